package exo

// MermaidSpec is [Graph.Mermaid] of a graph that was built or read at run time.
// Nodes of another namespace than the one given are shown with theirs.
func MermaidSpec(name, namespace string, spec GraphSpec) string {
	return drawSpec(name, namespace, spec).mermaid()
}

// DOTSpec is [Graph.DOT] of a graph that was built or read at run time. Nodes
// of another namespace than the one given are shown with theirs.
func DOTSpec(name, namespace string, spec GraphSpec) string {
	return drawSpec(name, namespace, spec).dot()
}

package exotest

import (
	"slices"
	"strings"
)

// diffContext is how many lines that have not changed a diff shows around others.
const diffContext = 2

// A diffLine is a line, and where it stands: '-' in want alone, '+' in got alone,
// ' ' in both.
type diffLine struct {
	mark byte
	text string
}

// lineDiff tells texts apart line by line. Of what is the same it leaves most out.
func lineDiff(want, got string) string {
	all := compareLines(lines(want), lines(got))
	near := make([]bool, len(all))
	for at := range all {
		if all[at].mark != ' ' {
			for n := max(0, at-diffContext); n <= min(len(all)-1, at+diffContext); n++ {
				near[n] = true
			}
		}
	}
	var out strings.Builder
	for at, l := range all {
		switch {
		case near[at]:
			out.WriteString(string(l.mark) + " " + l.text + "\n")
		case at == 0 || near[at-1]:
			out.WriteString("  …\n")
		}
	}
	return strings.TrimSuffix(out.String(), "\n")
}

func compareLines(a, b []string) (all []diffLine) {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		all = append(all, diffLine{' ', a[0]})
		a, b = a[1:], b[1:]
	}
	tail := 0
	for tail < min(len(a), len(b)) && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	same := a[len(a)-tail:]
	a, b = a[:len(a)-tail], b[:len(b)-tail]

	common := longestCommon(a, b)
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			all = append(all, diffLine{' ', a[i]})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common(i+1, j) >= common(i, j+1):
			all = append(all, diffLine{'-', a[i]})
			i++
		default:
			all = append(all, diffLine{'+', b[j]})
			j++
		}
	}
	for _, l := range same {
		all = append(all, diffLine{' ', l})
	}
	return all
}

// maxCompared bounds the table of longestCommon.
const maxCompared = 1 << 22

// longestCommon says how many lines a[i:] and b[j:] have in common, in order. Of
// texts that are too large it says that they have none.
func longestCommon(a, b []string) func(i, j int) int {
	if len(a)*len(b) > maxCompared {
		return func(int, int) int { return 0 }
	}
	width := len(b) + 1
	n := make([]int, (len(a)+1)*width)
	for i, left := range slices.Backward(a) {
		for j, right := range slices.Backward(b) {
			if left == right {
				n[i*width+j] = n[(i+1)*width+j+1] + 1
			} else {
				n[i*width+j] = max(n[(i+1)*width+j], n[i*width+j+1])
			}
		}
	}
	return func(i, j int) int { return n[i*width+j] }
}

func lines(s string) []string { return strings.Split(strings.TrimSuffix(s, "\n"), "\n") }

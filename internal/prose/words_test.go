package prose

// A rule is a word or phrase that the project does not use, and what to write
// instead. Words is a regular expression that is matched against whole words, in
// any case; a space in it also matches the end of a line.
type rule struct {
	words, write string
}

// The words of the field come first, then phrases that read like a translation.
var rules = []rule{
	{`time-outs?`, "timeout"},
	{`answer(s|ed|ing)?`, "response; respond, return, reply, handle"},
	{`at rest`, "terminal, finished"},
	{`(come|comes|came|coming) to rest`, "finish, become terminal"},
	{`(put|puts|putting)( it| them| states| the state)? back`, "requeue"},
	{`re-queue(s|d)?|re-queueing`, "requeue"},
	{`no JSON`, "not JSON, invalid JSON"},
	{`(is|are|was|were) no (JSON|UUID|integer|number|string|object|list|text|placeholder|template|failure|sign|vulnerability|key|node|graph|state)`, "is not a …"},
	{`under way`, "in flight, in progress, running"},
	{`(is|are|was|were|count|counts|claimed) no more`, "no longer"},
	{`mend(s|ed|ing)?`, "fix"},

	{`nobody|somebody`, "no one, someone, or better: say who"},
	{`of those (that|which)`, "say which"},
	{`what is there`, "say what it is"},
	{`by which`, "turn the sentence around: subject first"},
	{`that one([.,;:)]| (is|has|was|that|which|does|comes|ends|stays|goes))`, "say which"},
	{`no more than`, "at most"},
	{`all the same`, "anyway, still"},
	{`all else`, "everything else"},
	{`for good`, "permanently"},
	{`anew`, "again"},
	{`otherwise than`, "other than, in another way than"},
	{`unawares`, "unnoticed, by accident"},
	{`(make|makes|made) void`, "void, invalidate"},
	{`(become|becomes|became) of`, "what happens to, the outcome of"},
	{`in plain([,.;:)]| (and|or|inside|over|on|to))`, "in plain text"},
	{`on the spot`, "immediately"},
	{`ever more`, "more and more"},
	{`lest`, "so that … not"},
	{`(whilst|whereby|wherein|thereof|hereby)`, "while, where, of it"},
	{`of (yours|ours|theirs)`, "your, our, their own"},
	{`(hand|hands|handed|handing) (it |them )?on`, "pass"},
}

// An exception is a line in which a word of the list is right.
type exception struct {
	file, line string // the path, and a part of the line
	reason     string
}

var exceptions = []exception{
	{"exo/transport/transporttest/validity.go", `${{ nobody.outputs.out }}`, "the name of a step that does not exist"},
	{"internal/faults/injector.go", "// Mend undoes Cut.", "the name of the method"},
	{"internal/statemanager/httpapi/endpoint.go", "Read a run and its states, once it is at rest", "served text of the API's description, which stays as it is"},
	{"internal/statemanager/report.go", "// answer is the response to a report", "the name of the method"},
}

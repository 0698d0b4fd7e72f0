package main

import (
	"fmt"
	"path"
	"strings"
)

const head = `# Conformance

What must hold, and which tests prove it. The name of a test, or a text in it, begins with
what it proves: ` + "`TestB7_…`" + `, ` + "`TestCore068_…`" + `, ` + "`TestLOP05_…`" + `.

- P1, P2 … are promises to the people who use meshos.
- B1, B2 … are rules of the design.
- core, the runtime's letters (SCH, DEC, ADM …) and operator are numbered cases of the
  specification. A case with a * is tested in the form that a rule of the design gives it.

` + "`make conformance`" + ` writes this page from the names of the tests and from the meanings in
internal/conformance/cases, and a test fails when it is out of date or when a test cites
what has no meaning there.

`

// page returns the page in Markdown.
func (c *cases) page() string {
	var b strings.Builder
	b.WriteString(head)
	b.WriteString("| | listed | tested here | elsewhere | without a test |\n|---|---:|---:|---:|---:|\n")
	for _, sec := range c.sections {
		tested, elsewhere, open := sec.counts()
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d |\n", sec.title, len(sec.cases), tested, elsewhere, open)
	}
	for _, sec := range c.sections {
		sec.tested(&b)
	}
	c.list(&b, "Without a test", "These have no test yet.\n\n| case | what must hold |\n|---|---|\n",
		func(one *testCase) bool { return !one.proven() && one.elsewhere == "" },
		func(one *testCase) string { return fmt.Sprintf("| %s | %s |", one.title(), one.meaning) })
	c.list(&b, "Elsewhere", "These cases are about something that is not part of meshos.\n\n| case | what must hold | why it has no test here |\n|---|---|---|\n",
		func(one *testCase) bool { return one.elsewhere != "" },
		func(one *testCase) string {
			return fmt.Sprintf("| %s | %s | %s |", one.title(), one.meaning, one.elsewhere)
		})
	return b.String()
}

// counts returns how many cases have tests here, are about something else, and have no
// test yet.
func (s section) counts() (tested, elsewhere, open int) {
	for _, one := range s.cases {
		switch {
		case one.elsewhere != "":
			elsewhere++
		case one.proven():
			tested++
		default:
			open++
		}
	}
	return tested, elsewhere, open
}

// tested lists the cases of a section that have tests.
func (s section) tested(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s\n\n| case | what must hold | tests |\n|---|---|---|\n", s.title)
	for _, one := range s.cases {
		if !one.proven() || one.elsewhere != "" {
			continue
		}
		var tests []string
		for _, p := range one.proofs {
			tests = append(tests, p.markdown())
		}
		if one.same != nil && one.same.proven() {
			tests = append(tests, "as "+one.same.id.String())
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", one.title(), one.meaning, strings.Join(tests, "<br>"))
	}
}

// list writes a part of the page with the wanted cases of all sections, if there are any.
func (c *cases) list(b *strings.Builder, title, intro string, wanted func(*testCase) bool, line func(*testCase) string) {
	begun := false
	for _, sec := range c.sections {
		for _, one := range sec.cases {
			if !wanted(one) {
				continue
			}
			if !begun {
				fmt.Fprintf(b, "\n## %s\n\n%s", title, intro)
				begun = true
			}
			b.WriteString(line(one) + "\n")
		}
	}
}

// title returns the id, with a * when a rule of the design changes the case.
func (c *testCase) title() string {
	if c.changed {
		return c.id.String() + " *"
	}
	return c.id.String()
}

// markdown returns the proof with a link to its file.
func (p proof) markdown() string {
	link := fmt.Sprintf("[%s](../%s)", path.Base(p.file), p.file)
	switch {
	case p.test == "":
		return link
	case p.text == "":
		return fmt.Sprintf("`%s` %s", p.test, link)
	}
	return fmt.Sprintf("`%s`: %s %s", p.test, strings.NewReplacer("|", `\|`, "\n", " ").Replace(p.text), link)
}

package main

import (
	"fmt"
	"path"
	"strings"
)

const head = `# Conformance

Which test proves which case of the specification, and which rule of the design
(B1 to B24). This page is made by ` + "`make conformance`" + ` from the names of
the tests, and a test fails when it is out of date. Cases with a * are tested in the
form that a rule of the design gives them.

`

// page gives the page in Markdown.
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
	c.list(&b, "Without a test", "These have no test yet.\n\n| case | about |\n|---|---|\n",
		func(one *testCase) bool { return !one.proven() && one.elsewhere == "" },
		func(one *testCase) string { return fmt.Sprintf("| %s | %s |", one.title(), one.words) })
	c.list(&b, "Elsewhere", "These are no part of what is built here, or not yet.\n\n| case | about | why |\n|---|---|---|\n",
		func(one *testCase) bool { return one.elsewhere != "" },
		func(one *testCase) string {
			return fmt.Sprintf("| %s | %s | %s |", one.title(), one.words, one.elsewhere)
		})
	return b.String()
}

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
	fmt.Fprintf(b, "\n## %s\n\n| case | about | tests |\n|---|---|---|\n", s.title)
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
		fmt.Fprintf(b, "| %s | %s | %s |\n", one.title(), one.words, strings.Join(tests, "<br>"))
	}
}

// list writes the cases of all sections that are wanted, if there are any.
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

func (c *testCase) title() string {
	if c.changed {
		return c.id.String() + " *"
	}
	return c.id.String()
}

// markdown links a proof to its file.
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

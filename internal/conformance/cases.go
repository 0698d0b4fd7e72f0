package main

import (
	"embed"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

//go:embed cases
var caseFiles embed.FS

// testCase is one case of the specification or one rule of the design.
type testCase struct {
	id        id
	words     string
	changed   bool      // by a rule of the design
	elsewhere string    // why it has no test here; empty when it should have one
	same      *testCase // whose tests prove this one as well; nil for none
	proofs    []proof
}

// section is a part of the page.
type section struct {
	title string
	cases []*testCase
}

type cases struct{ sections []section }

var (
	coreLine     = regexp.MustCompile(`^(\d+) (.+)$`)
	runtimeLine  = regexp.MustCompile(`^([A-Z]{3})-(\d\d) (.+)$`)
	operatorLine = regexp.MustCompile(`^(\d+)([a-f]?) (.+)$`)
	ruleLine     = regexp.MustCompile(`^(B\d+a?) (.+)$`)
)

// loadCases reads the lists of cases.
func loadCases() (*cases, error) {
	all := &cases{}
	for _, part := range []struct {
		title, file string
		line        *regexp.Regexp
		id          func(m []string) id
	}{
		{"Rules of the design", "rules.txt", ruleLine, func(m []string) id { return mentioned(m[1], true)[0].from }},
		{"Core", "core.txt", coreLine, func(m []string) id { return id{family: "core", number: atoi(m[1])} }},
		{"Runtime", "runtime.txt", runtimeLine, func(m []string) id { return id{family: m[1], number: atoi(m[2])} }},
		{"Operator", "operator.txt", operatorLine, func(m []string) id { return id{family: "operator", number: atoi(m[1]), part: m[2]} }},
	} {
		sec := section{title: part.title}
		err := eachLine(part.file, func(line string) error {
			m := part.line.FindStringSubmatch(line)
			if m == nil {
				return fmt.Errorf("want an id and a few words, not %q", line)
			}
			sec.cases = append(sec.cases, &testCase{id: part.id(m), words: m[len(m)-1]})
			return nil
		})
		if err != nil {
			return nil, err
		}
		all.sections = append(all.sections, sec)
	}
	if err := all.mark("changed.txt", func(c *testCase, _ string) { c.changed = true }, false); err != nil {
		return nil, err
	}
	if err := all.mark("elsewhere.txt", func(c *testCase, why string) { c.elsewhere = why }, true); err != nil {
		return nil, err
	}
	var wrong error
	err := all.mark("same.txt", func(c *testCase, other string) {
		if c.same = all.one(other); c.same == nil {
			wrong = fmt.Errorf("cases/same.txt: %s: there is no case %s", c.id, other)
		}
	}, true)
	return all, errors.Join(err, wrong)
}

// one gives the case that a text like "core 2" names; nil when there is none.
func (c *cases) one(text string) *testCase {
	spans, err := parseIDs(text)
	if err != nil || len(spans) != 1 {
		return nil
	}
	if hit := c.in(spans[0]); len(hit) == 1 {
		return hit[0]
	}
	return nil
}

// proven says whether some test proves the case.
func (c *testCase) proven() bool {
	return len(c.proofs) > 0 || c.same != nil && c.same.proven()
}

// eachLine gives the lines of a file of cases without comments and empty ones.
func eachLine(file string, visit func(line string) error) error {
	raw, err := caseFiles.ReadFile("cases/" + file)
	if err != nil {
		return err
	}
	for n, line := range strings.Split(string(raw), "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := visit(line); err != nil {
			return fmt.Errorf("cases/%s:%d: %w", file, n+1, err)
		}
	}
	return nil
}

// mark marks the cases that a file names. With reasons, each line ends in ": why",
// and a case that it names must exist.
func (c *cases) mark(file string, mark func(*testCase, string), reasons bool) error {
	return eachLine(file, func(line string) error {
		ids, why := line, ""
		if reasons {
			var found bool
			if ids, why, found = strings.Cut(line, ": "); !found {
				return fmt.Errorf("want ids, a colon and the reason, not %q", line)
			}
		}
		spans, err := parseIDs(ids)
		if err != nil {
			return err
		}
		for _, s := range spans {
			hit := c.in(s)
			if reasons && len(hit) == 0 {
				return fmt.Errorf("there is no case %s", s.from)
			}
			for _, one := range hit {
				mark(one, why)
			}
		}
		return nil
	})
}

// in gives the cases that exist of a span.
func (c *cases) in(s span) []*testCase {
	var out []*testCase
	for _, sec := range c.sections {
		for _, one := range sec.cases {
			if s.has(one.id) {
				out = append(out, one)
			}
		}
	}
	return out
}

// prove gives each case its proofs. It returns an error when a name names a case
// that is not listed, and when a case said to be tested elsewhere has a test here.
func (c *cases) prove(found []proof) error {
	var wrong []string
	for _, p := range found {
		for _, s := range p.names {
			hit := c.in(s)
			if len(hit) == 0 {
				wrong = append(wrong, fmt.Sprintf("%s: %s names %s, which cases/ does not list", p.file, p.title(), s.from))
			}
			for _, one := range hit {
				if one.elsewhere != "" && s.from == s.to {
					wrong = append(wrong, fmt.Sprintf("%s: %s tests %s: take it out of cases/elsewhere.txt", p.file, p.title(), one.id))
				}
				if !slices.ContainsFunc(one.proofs, func(q proof) bool { return q.same(p) }) {
					one.proofs = append(one.proofs, p)
				}
			}
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%d names are wrong:\n%s", len(wrong), strings.Join(wrong, "\n"))
	}
	return nil
}

// same says whether two proofs are the same test, whose name names the case already
// or says nothing new.
func (p proof) same(q proof) bool {
	return p.file == q.file && p.test == q.test && (p.text == "" || p.text == q.text)
}

// title is what people call the proof.
func (p proof) title() string {
	switch {
	case p.test == "":
		return p.file
	case p.text == "":
		return p.test
	}
	return fmt.Sprintf("%s (%q)", p.test, p.text)
}

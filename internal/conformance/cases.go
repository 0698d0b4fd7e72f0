package main

import (
	"embed"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

//go:embed cases
var caseFiles embed.FS

// testCase is one case of the specification, or one rule or promise of the design.
type testCase struct {
	id        id
	meaning   string    // what must hold, in a sentence or two
	changed   bool      // by a rule of the design
	elsewhere string    // why it has no test here; "" when it should have one
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
	promiseLine  = regexp.MustCompile(`^(P\d) (.+)$`)
	ruleLine     = regexp.MustCompile(`^(B\d+a?) (.+)$`)
	coreLine     = regexp.MustCompile(`^(\d+) (.+)$`)
	runtimeLine  = regexp.MustCompile(`^([A-Z]{3})-(\d\d) (.+)$`)
	operatorLine = regexp.MustCompile(`^(\d+)([a-f]?) (.+)$`)
)

// loadCases reads the lists of cases.
func loadCases() (*cases, error) {
	all := &cases{}
	for _, part := range []struct {
		title, file string
		line        *regexp.Regexp
		id          func(m []string) id
	}{
		{"Promises", "promises.txt", promiseLine, func(m []string) id { return ruleID(m[1]) }},
		{"Rules of the design", "rules.txt", ruleLine, func(m []string) id { return ruleID(m[1]) }},
		{"Core", "core.txt", coreLine, func(m []string) id { return id{family: "core", number: atoi(m[1])} }},
		{"Runtime", "runtime.txt", runtimeLine, func(m []string) id { return id{family: m[1], number: atoi(m[2])} }},
		{"Operator", "operator.txt", operatorLine, func(m []string) id { return id{family: "operator", number: atoi(m[1]), part: m[2]} }},
	} {
		sec := section{title: part.title}
		err := eachLine(part.file, func(line string) error {
			m := part.line.FindStringSubmatch(line)
			if m == nil {
				return fmt.Errorf("want an id and what must hold, not %q", line)
			}
			one := &testCase{id: part.id(m), meaning: m[len(m)-1]}
			if !isSentence(one.meaning) {
				return fmt.Errorf("want what %s means in a sentence, not %q", one.id, one.meaning)
			}
			sec.cases = append(sec.cases, one)
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

// isSentence reports whether a meaning reads by itself: it begins with a capital letter,
// has a few words and ends with a full stop.
func isSentence(text string) bool {
	first, _ := utf8.DecodeRuneInString(text)
	return unicode.IsUpper(first) && strings.HasSuffix(text, ".") && len(strings.Fields(text)) >= 4
}

// one returns the case that a text like "core 2" names; nil when there is none.
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

// proven reports whether a test proves the case.
func (c *testCase) proven() bool {
	return len(c.proofs) > 0 || c.same != nil && c.same.proven()
}

// eachLine passes the lines of a file of cases to visit, without comments and empty ones.
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

// mark passes each case that a file names to mark. With reasons, each line ends in
// ": why", and a case that it names must exist.
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

// in returns those cases of a span that exist.
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

// prove adds to each case the proofs of it that were found. It returns an error when a
// test names a case that is not listed, so that every case that a test cites has a
// meaning, and when a case that is said to be tested elsewhere has a test here.
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

// same reports whether two proofs are the same test, whose name or text is already
// listed.
func (p proof) same(q proof) bool {
	return p.file == q.file && p.test == q.test && (p.text == "" || p.text == q.text)
}

// title names the proof for people.
func (p proof) title() string {
	switch {
	case p.test == "":
		return p.file
	case p.text == "":
		return p.test
	}
	return fmt.Sprintf("%s (%q)", p.test, p.text)
}

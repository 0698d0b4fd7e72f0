package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// id names a case or a rule: {"core", 68, ""}, {"operator", 102, "a"}, {"LOP", 5, ""},
// {"B", 10, "a"}, {"P", 7, ""}.
type id struct {
	family string
	number int
	part   string
}

// String returns the id as the page shows it: "core 68", "operator 102a", "LOP-05",
// "B10a", "P7".
func (i id) String() string {
	switch i.family {
	case "core", "operator":
		return fmt.Sprintf("%s %d%s", i.family, i.number, i.part)
	case "B", "P":
		return fmt.Sprintf("%s%d%s", i.family, i.number, i.part)
	}
	return fmt.Sprintf("%s-%02d", i.family, i.number)
}

// span is the cases that a name mentions, mostly a single one. A range stands for those
// cases between its ends that exist.
type span struct {
	from, to id
}

var (
	wordSplit = regexp.MustCompile(`[^A-Za-z0-9]+`)
	caseWord  = regexp.MustCompile(`^(?:Test|Fuzz)?(Core|Operator|SCH|DEC|ADM|EXE|CHN|SNP|MIG|ORC|SRC|TGT|REC|LOP|CTL|RUN|SDK|PIP|MSC|IMP)(\d{2,3})([a-f]?)(?:to(\d{2,3}))?$`)
	bareWord  = regexp.MustCompile(`^(?i:core)$|^(SCH|DEC|ADM|EXE|CHN|SNP|MIG|ORC|SRC|TGT|REC|LOP|CTL|RUN|SDK|PIP|MSC|IMP)$`)
	ruleWord  = regexp.MustCompile(`^(?:Test|Fuzz)?(?:(B)(\d{1,2})(a?)|(P)(\d))$`)
	moreWord  = regexp.MustCompile(`^\d{1,3}$`)
	partWord  = regexp.MustCompile(`^(\d{1,3})([a-f])$`)
)

// mentioned finds the cases and rules in a name: TestCore118_119_B13_Core122_Exits.
// With leading it must begin with one.
func mentioned(name string, leading bool) []span {
	var out []span
	family, width := "", 0 // of the case before, and how many digits its number has; 0 for any
	for n, word := range wordSplit.Split(name, -1) {
		switch {
		case caseWord.MatchString(word):
			m := caseWord.FindStringSubmatch(word)
			if family = m[1]; family == "Core" || family == "Operator" {
				family = strings.ToLower(family)
			}
			width = len(m[2])
			from := id{family: family, number: atoi(m[2]), part: m[3]}
			to := from
			if m[4] != "" {
				to.number = atoi(m[4])
			}
			out = append(out, span{from, to})
		case bareWord.MatchString(word):
			if family, width = word, 0; strings.EqualFold(word, "core") {
				family = "core"
			}
		case family != "" && moreWord.MatchString(word) && (width == 0 || width == len(word)):
			width = len(word)
			one := id{family: family, number: atoi(word)}
			out = append(out, span{one, one})
		case ruleWord.MatchString(word):
			one := ruleID(word)
			out = append(out, span{one, one})
			family = ""
		default:
			family = ""
		}
		if leading && n == 0 && len(out) == 0 && family == "" {
			return nil
		}
	}
	return out
}

// ruleID returns the rule or promise that a word names, which ruleWord matches.
func ruleID(word string) id {
	m := ruleWord.FindStringSubmatch(word)
	return id{family: m[1] + m[4], number: atoi(m[2] + m[5]), part: m[3]}
}

// parseIDs reads "core 8, 62-63", "SCH 6-18", "B10a", or "ORC" for the whole family.
func parseIDs(text string) ([]span, error) {
	if ruleWord.MatchString(text) {
		one := ruleID(text)
		return []span{{one, one}}, nil
	}
	family, numbers, some := strings.Cut(text, " ")
	if !some {
		return []span{{id{family: family}, id{family: family, number: 1 << 20}}}, nil
	}
	var out []span
	for _, part := range strings.Split(numbers, ",") {
		low, high, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if m := partWord.FindStringSubmatch(low); m != nil && !isRange {
			one := id{family: family, number: atoi(m[1]), part: m[2]}
			out = append(out, span{one, one})
			continue
		}
		if !isRange {
			high = low
		}
		from, errFrom := strconv.Atoi(low)
		to, errTo := strconv.Atoi(high)
		if errFrom != nil || errTo != nil || from > to {
			return nil, fmt.Errorf("%q is neither a number nor a range of %s", part, family)
		}
		out = append(out, span{id{family: family, number: from}, id{family: family, number: to}})
	}
	return out, nil
}

// has reports whether a case is one of the span's.
func (s span) has(i id) bool {
	return i.family == s.from.family && i.number >= s.from.number && i.number <= s.to.number &&
		(s.from != s.to || i.part == s.from.part)
}

// atoi reads digits, as a pattern has found them; nothing is 0.
func atoi(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}

package signers

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// letters are pairs of characters that look alike in most fonts: one of another script, and
// the Latin one or the ASCII sign that people take it for. Accents need no pairs. It is the
// part of Unicode's confusables (UTS 39) that concerns names, without what is alike within
// ASCII, such as 1 and l.
const letters = "" +
	// Cyrillic
	"АA ВB ЕE ЅS ІI ЈJ КK МM НH ОO РP СC ТT УY ХX ҮY ҺH ԚQ ԜW ѴV ԌG ЅS ӀI ӔÆ " +
	"аa еe ѕs іi јj кk мm оo рp сc тt уy хx үy һh ԛq ԝw ѵv ԍg ԁd гr пn ьb ѡw ӏl ӕæ " +
	// Greek
	"ΑA ΒB ΕE ΖZ ΗH ΙI ΚK ΜM ΝN ΟO ΡP ΤT ΥY ΧX ͿJ " +
	"αa οo νv ιi κk ρp υu χx γy ηn ωw τt ϳj " +
	// Armenian
	"ՕO ՏS ԼL ՍU օo ոn սu հh զq յj " +
	// Cherokee
	"ᎠD ᎡR ᎢT ᎥI ᎩY ᎪA ᎫJ ᎬE ᎳW ᎷM ᎻH ᎽY ᏀG ᏃZ ᏒR ᏔW ᏕS ᏙV ᏚS ᏞL ᏟC ᏢP ᏦK ᏴB " +
	// Lisu
	"ꓐB ꓑP ꓓD ꓔT ꓖG ꓗK ꓙJ ꓚC ꓜZ ꓝF ꓟM ꓠN ꓡL ꓢS ꓣR ꓦV ꓧH ꓪW ꓫX ꓬY ꓮA ꓰE ꓲI ꓳO ꓴU " +
	// Coptic
	"ⲎH ⲒI ⲔK ⲘM ⲚN ⲞO ⲢP ⲤC ⲦT ⲬX ⲃB ⲟo ⲣp ⲥc ⲭx " +
	// phonetic letters and small capitals of Latin
	"ɑa ɡg ıi ɩi ȷj ʋv ʏy ᴄc ᴋk ᴏo ᴜu ᴠv ᴡw ᴢz ꜱs " +
	// signs
	"‐- ‑- ‒- –- —- ―- −- ʼ' ‘' ’'"

// latin replaces characters by the Latin ones that they look like.
var latin = newLatin()

func newLatin() *strings.Replacer {
	var pairs []string
	for _, pair := range strings.Fields(letters) {
		_, size := utf8.DecodeRuneInString(pair)
		pairs = append(pairs, pair[:size], pair[size:])
	}
	return strings.NewReplacer(pairs...)
}

// reading is a principal as people read it, without a leading !. Principals of which one of
// the two forms is the same look alike.
type reading struct {
	excluded bool   // it began with !
	pattern  bool   // it may stand for others
	folded   string // compatibility forms, case and spaces do not matter
	latin    string // nor does the script
}

func readingOf(principal string) reading {
	name, excluded := strings.CutPrefix(principal, "!")
	name = strings.Join(strings.Fields(name), " ")
	if isASCII(name) {
		name = strings.ToLower(name)
		return reading{excluded, isPattern(name), name, name}
	}
	r := reading{
		excluded: excluded,
		folded:   folded(norm.NFKC.String(name)),
		latin:    folded(latin.Replace(norm.NFKD.String(name))),
	}
	r.pattern = isPattern(r.folded)
	return r
}

// matches reports whether a pattern matches a name, as people read both.
func (r reading) matches(name reading) bool {
	return match(name.folded, r.folded) || match(name.latin, r.latin)
}

// folded returns text of which upper and lower case are the same.
func folded(text string) string { return norm.NFKC.String(cases.Fold().String(text)) }

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}

// alike finds principals that look alike.
type alike struct{ folded, latin map[string]written }

// written is a principal with the first line that has it.
type written struct {
	name string
	line int
}

func newAlike() *alike { return &alike{make(map[string]written), make(map[string]written)} }

// add returns an error for a principal that looks like another one of this line or of a line
// before: two names that people can't tell apart would count as two persons.
func (a *alike) add(e Entry) error { return a.compare(e, true) }

// check is like add for an entry that may not sign commands: its names are compared with those
// of entries that may, and not with those of further ones like it.
func (a *alike) check(e Entry) error { return a.compare(e, false) }

func (a *alike) compare(e Entry, add bool) error {
	for i, p := range e.Principals {
		name, r := written{strings.TrimPrefix(p, "!"), e.Line}, e.readings[i]
		for _, known := range []struct {
			by map[string]written
			as string
		}{{a.folded, r.folded}, {a.latin, r.latin}} {
			before, is := known.by[known.as]
			switch {
			case !is && add:
				known.by[known.as] = name
			case !is:
			case before.name != name.name:
				return looksLike(name, before)
			}
		}
	}
	return nil
}

func looksLike(name, before written) error {
	where := fmt.Sprintf("of line %d", before.line)
	if before.line == name.line {
		where = "of the same line"
	}
	return fmt.Errorf("the principal %q looks like %q %s (%s): if it is the same person, write the name the same way, else choose another name",
		shortened(name.name), shortened(before.name), where, difference(name.name, before.name))
}

// difference names the first characters in which two names differ.
func difference(a, b string) string {
	as, bs := []rune(a), []rune(b)
	i := 0
	for i < len(as) && i < len(bs) && as[i] == bs[i] {
		i++
	}
	switch {
	case i == len(as):
		return fmt.Sprintf("which goes on with %s", character(bs[i]))
	case i == len(bs):
		return fmt.Sprintf("it goes on with %s", character(as[i]))
	}
	return fmt.Sprintf("character %d is %s, not %s", i+1, character(as[i]), character(bs[i]))
}

func character(r rune) string {
	var names []string
	for name, table := range unicode.Scripts {
		if name != "Common" && name != "Inherited" && unicode.Is(table, r) {
			names = append(names, name)
		}
	}
	if slices.Sort(names); len(names) == 0 {
		return fmt.Sprintf("U+%04X %q", r, r)
	}
	return fmt.Sprintf("U+%04X %q of %s", r, r, names[0])
}

package signers_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/meshos/meshos/host/operator/signers"
)

// twoKeys returns a file in which two principals have a key each.
func twoKeys(t *testing.T, one, two string) string {
	t.Helper()
	_, first, _ := newKey(t, 1)
	_, second, _ := newKey(t, 2)
	return "\"" + one + "\" " + first + "\n\"" + two + "\" " + second + "\n"
}

func TestAByteOrderMarkMakesNobodyAnotherPerson(t *testing.T) {
	text := "\ufeff" + strings.ReplaceAll(twoKeys(t, "ana", "ana"), `"`, "")
	set := parse(t, text)
	if got := set.Persons(); got != 1 {
		t.Errorf("%d persons, want 1", got)
	}
	if name := set.Entries()[0].Name(); name != "ana" {
		t.Errorf("the name is %q", name)
	}
	if parse(t, "\ufeff# only a comment\n").Persons() != 0 {
		t.Error("a comment is a person")
	}
}

func TestCharactersThatNobodySeesAreMistakes(t *testing.T) {
	for name, want := range map[string]string{
		"\ufeffana":     "U+FEFF, a format character",
		"a\u200bna":     "U+200B, a format character",
		"an\u200da":     "U+200D, a format character",
		"ana\u202e":     "U+202E, a format character",
		"an\u00ada":     "U+00AD, a format character",
		"ana\u00a0":     "U+00A0, a space other",
		"ana\u2003b":    "U+2003, a space other",
		"ana\u3000b":    "U+3000, a space other",
		"ana\u2028":     "U+2028, a space other",
		"ana\u2800":     "U+2800, a space other",
		"ana\ufe0f":     "U+FE0F, a character that can't be seen",
		"a\u034fna":     "U+034F, a character that can't be seen",
		"ana\u3164":     "U+3164, a character that can't be seen",
		"a\U000e0061na": "U+E0061, a format character",
		"ana\ue000":     "U+E000, which is not a character of any script",
		"a\tb":          "U+0009, a control character",
		"a\u0085b":      "control character U+0085",
		"a\x7fb":        "control character U+007F",
	} {
		_, err := signers.Parse("f", twoKeys(t, "ben", name), time.UTC)
		var damage *signers.Damage
		if !errors.As(err, &damage) || len(damage.Problems) != 1 || damage.Problems[0].Line != 2 || !strings.Contains(err.Error(), want) {
			t.Errorf("%+q: got %v, want %q", name, err, want)
		}
	}
}

func TestPrincipalsThatLookAlikeAreMistakes(t *testing.T) {
	for _, c := range [][3]string{
		{"ana", "Ana", "character 1 is U+0041 'A' of Latin, not U+0061 'a' of Latin"},
		{"ana", "аna", "character 1 is U+0430 'а' of Cyrillic, not U+0061"},
		{"ANA", "аnа", "U+0430"},
		{"rhodes", "rhοdes", "U+03BF 'ο' of Greek"},
		{"ana", "ａｎａ", "U+FF41"},
		{"ana", "𝐚na", "U+1D41A"},
		{"zoë", "zoe\u0308", "character 3 is U+0065 'e' of Latin, not U+00EB"},
		{"zoë", "zоё", "U+043E"},
		{"file", "ﬁle", "U+FB01"},
		{"ana b", "ana  b", "U+0020"},
		{"ana", " ana", "U+0020"},
		{"strasse", "straße", "U+00DF"},
		{"*@example.com", "*@Example.com", "U+0045"},
		{"ana", "*,!Ana", "U+0041"}, // it excludes nobody
		{"ana-b", "ana‑b", "U+2011"},
		{"Вера", "вера", "U+0432 'в' of Cyrillic"},
		{"ORLOV", "ОRLOV", "U+041E"},
		{"ana", "ꓮna", "U+A4EE 'ꓮ' of Lisu"},
	} {
		_, err := signers.Parse("f", twoKeys(t, c[0], c[1]), time.UTC)
		var damage *signers.Damage
		if !errors.As(err, &damage) || len(damage.Problems) != 1 || damage.Problems[0].Line != 2 ||
			!strings.Contains(err.Error(), "looks like") || !strings.Contains(err.Error(), c[2]) || !strings.Contains(err.Error(), "of line 1") {
			t.Errorf("%q and %q: got %v, want %q", c[0], c[1], err, c[2])
		}
	}
	for _, c := range [][2]string{
		{"ana", "ana"}, {"ana1", "anal"}, {"b0b", "bob"}, {"zoe", "zoë"}, {"anna", "ana"}, {"Вера", "Вова"}, {"Іван", "Иван"}, {"mark", "marc"},
	} {
		set := parse(t, twoKeys(t, c[0], c[1]))
		want := 2
		if c[0] == c[1] {
			want = 1
		}
		if got := set.Persons(); got != want {
			t.Errorf("%q and %q: %d persons, want %d", c[0], c[1], got, want)
		}
	}
}

// A pattern and a name can't be compared as two names: they count as one person.
func TestAPatternMatchesWhatPeopleReadIntoIt(t *testing.T) {
	for _, c := range [][2]string{
		{"*@example.com", "ana@EXAMPLE.com"},
		{"*@example.com", "ana@exаmple.com"},
	} {
		if got := parse(t, twoKeys(t, c[0], c[1])).Persons(); got != 1 {
			t.Errorf("%q and %q: %d persons, want 1", c[0], c[1], got)
		}
	}
}

// What a key may sign elsewhere is not the business of a node.
func TestNamesForOtherUsesMayLookLikeThoseOfOperators(t *testing.T) {
	_, first, _ := newKey(t, 1)
	_, second, _ := newKey(t, 2)
	if got := parse(t, "ana "+first+"\nAna namespaces=\"git\" "+second).Persons(); got != 1 {
		t.Errorf("%d persons", got)
	}
}

// But a person who reads the file should know, since the option may go one day.
func TestNamesForOtherUsesThatLookLikeThoseOfOperatorsAreDoubts(t *testing.T) {
	_, first, _ := newKey(t, 1)
	_, second, _ := newKey(t, 2)
	const git = ` namespaces="git" `
	for _, c := range []struct {
		one, two string
		line     int // of the doubt; 0 for none
	}{
		{"ana ", "Ana" + git, 2},
		{"Ana" + git, "ana ", 1},
		{"ana ", "\u0430na" + git, 2},
		{"ana ", "ana" + git, 0},
		{"ana" + git, "Ana" + git, 0},
		{"ana ", "bob" + git, 0},
	} {
		doubts := parse(t, c.one+first+"\n"+c.two+second+"\n").Doubts()
		if c.line == 0 && len(doubts) > 0 || c.line > 0 && (len(doubts) != 1 || doubts[0].Line != c.line || !strings.Contains(doubts[0].Message, "looks like")) {
			t.Errorf("%q and %q: %v, want one of line %d", c.one, c.two, doubts, c.line)
		}
	}
}

func TestAShortageIsFoundBeforeItComes(t *testing.T) {
	_, first, _ := newKey(t, 1)
	_, second, _ := newKey(t, 2)
	_, third, _ := newKey(t, 3)
	begin := at("2026-06-01 00:00:00")
	for _, c := range []struct {
		file  string
		short bool
		at    string
		have  int
		lines []int
	}{
		{"ana " + first + "\nben " + second, false, "", 0, nil},
		{"ana " + first, true, "2026-06-01 00:00:00", 1, nil},
		{"ana " + first + "\nben valid-before=\"20200101Z\" " + second, true, "2026-06-01 00:00:00", 1, nil},
		{"ana " + first + "\nben valid-before=\"20260610Z\" " + second, true, "2026-06-10 00:00:01", 1, []int{2}},
		{"ana " + first + "\nben valid-before=\"20260615Z\" " + second, false, "", 0, nil},
		// The next key of ben is valid in time; then it is not.
		{"ana " + first + "\nben valid-before=\"20260610Z\" " + second + "\nben valid-after=\"20260609Z\" " + third, false, "", 0, nil},
		{"ana " + first + "\nben valid-before=\"20260610Z\" " + second + "\nben valid-after=\"20260611Z\" " + third, true, "2026-06-10 00:00:01", 1, []int{2}},
		{"ana valid-before=\"20260603Z\" " + first + "\nben valid-before=\"20260602Z\" " + second + "\ncy " + third, true, "2026-06-03 00:00:01", 1, []int{1, 2}},
	} {
		got, short := parse(t, c.file).Short(2, begin, begin.AddDate(0, 0, 14))
		var lines []int
		for _, e := range got.Ending {
			lines = append(lines, e.Line)
		}
		if short != c.short || (short && (!got.At.Equal(at(c.at)) || got.Have != c.have || len(lines) != len(c.lines))) {
			t.Errorf("%s\ngot %v %+v", c.file, short, got)
		}
	}
}

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/meshos/meshos/internal/golden"
)

// root is the repository as seen from here.
const root = "../.."

func TestPageIsUpToDate(t *testing.T) {
	page, err := makePage(root)
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, filepath.Join(root, pagePath), page)
}

func TestWhatNamesMention(t *testing.T) {
	for name, want := range map[string]string{
		"TestCore068_HoldersFollow":       "core 68",
		"TestCore088_089_091_Flush":       "core 88, core 89, core 91",
		"TestCore020to038_Successors":     "core 20 to core 38",
		"TestCore118_B13_Core122_Exits":   "core 118, B13, core 122",
		"TestB12_Core197_Running":         "B12, core 197",
		"TestSNP08_09_Daemons":            "SNP-08, SNP-09",
		"TestCore007_SNP18_Kinds":         "core 7, SNP-18",
		"TestB10a_WhenAMoveBegins":        "B10a",
		"FuzzB24_Log":                     "B24",
		"TestB5_Level":                    "B5",
		"TestP7_KilledHost":               "P7",
		"TestP99_OfARequest":              "",
		"P3 twice the same":               "P3",
		"TestLogsOf100Daemons":            "",
		"TestRunsIn64Bits":                "",
		"Core041 first crash backs off":   "core 41",
		"B15 Core062 start to start":      "B15, core 62",
		"Core017, Core115: %+v":           "core 17, core 115",
		"Core173 at once, B3 one a chain": "core 173, B3",
		"core 10, CTL-01: what is left":   "core 10, CTL-01",
		"a core 10 times":                 "core 10",
		"core of 10":                      "",
		"Core100 20 of 30":                "core 100",
		"DEC16 6 s of it":                 "DEC-16",
		"TestOperator040_041_151_Fresh":   "operator 40, operator 41, operator 151",
		"Operator102a pinned":             "operator 102a",
		"an operator 10 times":            "",
	} {
		var got []string
		for _, s := range mentioned(name, false) {
			one := s.from.String()
			if s.to != s.from {
				one += " to " + s.to.String()
			}
			got = append(got, one)
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	if got := mentioned("not before Core041", true); got != nil {
		t.Errorf("a text that does not begin with a case: %v", got)
	}
}

func TestScanFindsFunctionsTextsAndJournals(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{
		"a/a_test.go": `package a
func TestCore068_One(t *testing.T) { t.Run("Core070 two", nil); println("no Core071") }
func helper() { println("Core073 not in a test") }
func BenchmarkCore074(b *testing.B) {}
`,
		"a/testdata/b07-lost.jsonl":   "",
		"a/testdata/b10a-moves.jsonl": "",
		"a/testdata/basic.jsonl":      "",
		"a/b08-not-testdata.jsonl":    "",
		"bin/b_test.go":               "package b\nfunc TestCore076(t *testing.T) {}\n",
	}
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found, err := scan(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range found {
		got = append(got, p.names[0].from.String()+": "+p.file+" "+p.title())
	}
	want := []string{
		"core 68: a/a_test.go TestCore068_One",
		`core 70: a/a_test.go TestCore068_One ("Core070 two")`,
		"B7: a/testdata/b07-lost.jsonl a/testdata/b07-lost.jsonl",
		"B10a: a/testdata/b10a-moves.jsonl a/testdata/b10a-moves.jsonl",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestNamesThatAreWrong(t *testing.T) {
	for name, want := range map[string]string{
		"TestCore003_None":  "names core 3, which cases/ does not list",
		"TestB99_None":      "names B99, which cases/ does not list",
		"TestP9_None":       "names P9, which cases/ does not list",
		"TestORC01_Outside": "tests ORC-01: take it out of cases/elsewhere.txt",
	} {
		all, err := loadCases()
		if err != nil {
			t.Fatal(err)
		}
		err = all.prove([]proof{{names: mentioned(name, false), file: "a_test.go", test: name}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestEveryCaseIsListedOnce(t *testing.T) {
	all, err := loadCases()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[id]bool{}
	for _, sec := range all.sections {
		last := id{}
		for _, one := range sec.cases {
			if seen[one.id] {
				t.Errorf("%s is listed twice", one.id)
			}
			if one.id.family == last.family && one.id.number < last.number {
				t.Errorf("%s stands behind %s", one.id, last)
			}
			seen[one.id], last = true, one.id
		}
	}
	if len(seen) < 400 {
		t.Errorf("only %d cases", len(seen))
	}
}

// loadCases refuses a case whose meaning is not a sentence.
func TestWhatCountsAsASentence(t *testing.T) {
	for text, want := range map[string]bool{
		"A tick clears a freeze that is over.": true,
		"a tick clears a freeze that is over.": false,
		"A tick clears a freeze that is over":  false,
		"Never below.":                         false,
		"":                                     false,
	} {
		if isSentence(text) != want {
			t.Errorf("%q: a sentence: %v", text, !want)
		}
	}
}

package envfile

import (
	"maps"
	"strings"
	"testing"
)

func TestFilesAreReadAsDocumented(t *testing.T) {
	for text, want := range map[string]map[string]string{
		"":                                    {},
		"A=1\nB=2":                            {"A": "1", "B": "2"},
		"\ufeffA=1\r\nB= 2 \r\n":              {"A": "1", "B": "2"},
		"# no\n ; nor this\n\n  A = b c \n":   {"A": "b c"},
		"export A=1\nexport\tB=2\nexport=3":   {"A": "1", "B": "2", "export": "3"},
		"A=1\nA=2":                            {"A": "2"},
		"A=\nB=x":                             {"A": "", "B": "x"},
		`A=p#ss;w$rd\n"x"='y'`:                {"A": `p#ss;w$rd\n"x"='y'`},
		`A='p"s\s$x # y'  `:                   {"A": `p"s\s$x # y`},
		"A='one\ntwo'\nB=3":                   {"A": "one\ntwo", "B": "3"},
		`A="a \"b\" \\ \$c \` + "`" + `d \n"`: {"A": `a "b" \ $c ` + "`" + `d \n`},
		"A=\"one\\\ntwo\nthree\"\nB=1":        {"A": "onetwo\nthree", "B": "1"},
		"URL=postgres://u:p@h/db?a=b":         {"URL": "postgres://u:p@h/db?a=b"},
		"_a1=ä€":                              {"_a1": "ä€"},
	} {
		if got, err := Parse(text); err != nil || !maps.Equal(got, want) {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestWhatIsWrongIsSaidWithoutTheValue(t *testing.T) {
	const secret = "tops3cret"
	for text, want := range map[string]string{
		"A=1\n" + secret:               "line 2 is not KEY=VALUE",
		"1A=" + secret:                 "line 1 does not begin with the name of a variable: letters, digits and underscores",
		"=" + secret:                   "line 1 does not begin with the name of a variable: letters, digits and underscores",
		"A-" + secret + "=1":           "line 1 does not begin with the name of a variable: letters, digits and underscores",
		"\n\nA='" + secret + "\n\nB=1": "line 3 has a ' that nothing closes",
		"A=\"" + secret + "\n":         `line 1 has a " that nothing closes`,
		"A='x\n' " + secret + "\nB=1":  "line 2 has something behind the closing quote",
		"A=" + secret + "\\\nB=1":      "line 1 ends in a backslash: put the value in single quotes if it belongs to it, or in double quotes if the next line does",
		"A=1\nB=" + secret + "\x00":    "line 2 has a NUL character",
		"A=1\nB=" + secret + "\xff":    "line 2 is not UTF-8",
	} {
		got, err := Parse(text)
		if err == nil || err.Error() != want || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %q, %v; want %s", text, got, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"A=1", "A=\"\\\n\"", "export A='\n'", "#\n;", "A=\\", "=\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		vars, err := Parse(text)
		for key, value := range vars {
			if err != nil || key == "" || strings.ContainsAny(key, "=\x00 ") || !Valid(value) {
				t.Errorf("%q: %q=%q, %v", text, key, value, err)
			}
		}
	})
}

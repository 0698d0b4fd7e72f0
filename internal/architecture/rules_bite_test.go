package architecture

import (
	"strings"
	"testing"
	"testing/fstest"
)

// fileTree makes a repository of one file.
func fileTree(t *testing.T, name, text string) []source {
	t.Helper()
	files, err := readTree(fstest.MapFS{name: {Data: []byte(text)}})
	if err != nil || len(files) != 1 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	return files
}

func TestWrongImportsAreFound(t *testing.T) {
	for _, c := range []struct{ file, imports, want string }{
		{"host/state/a.go", module + "/host/mesh", ""},
		{"host/state/a.go", module + "/host/reconcile", "host/state may import only host/mesh, host/entries, host/marks"},
		{"host/mesh/a.go", module + "/host/state", "host/mesh may import no package of this project"},
		{"host/mesh/a.go", module + "/internal/guard", "may import no package of this project"},
		{"host/mesh/a.go", "example.com/x", "needs nothing but the standard library"},
		{"host/loop/a.go", module + "/host/executor", "host/... may import only"},
		{"host/loop/a.go", module + "/host/loop/inner", ""},
		{"host/loop/a.go", module + "/host", "only cmd/... may import it"},
		{"host/brandnew/a.go", module + "/host/state", ""},
		{"host/brandnew/a.go", "github.com/nats-io/nats.go", "only plugins/mesh-nats/..., internal/meshlab/run, bench/mesh may import github.com/nats-io/..."},
		{"plugins/mesh-nats/a.go", "github.com/nats-io/nats.go", ""},
		{"host/brandnew/a.go", module + "/internal/testkit", "may import it"},
		{"host/brandnew/a.go", module + "/internal/brandnew", ""},
		{"host/plugins/a.go", module + "/host/executor", ""},
		{"host/plugins/a.go", module + "/host", "only cmd/... may import it"},
		{"cmd/meshos/a.go", module + "/host", ""},
		{"cmd/meshos-shim/a.go", module + "/host", "cmd/meshos-shim may import only host/daemon/shim"},
		{"cmd/meshos/a.go", module + "/internal/golden", "may import it"},
		{"internal/golden/a.go", module + "/internal/testkit", ""},
		{"internal/brandnew/a.go", module + "/host/mesh", "internal/... may import no package"},
		{"pluginsdk/a.go", module + "/host/mesh", "pluginsdk/... may import only"},
		{"pluginsdk/plugintest/a.go", module + "/pluginsdk", ""},
		{"plugins/x/a.go", module + "/host/mesh", "plugins/... may import only"},
		{"proto/meshos/v1/a.go", module + "/internal/guard", "proto/... may import only"},
		{"internal/guard/a.go", "google.golang.org/grpc", "needs nothing but the standard library"},
		{"elsewhere/a.go", "fmt", "no rule says what elsewhere may import"},
	} {
		files := fileTree(t, c.file, "package a\nimport _ \""+c.imports+"\"\n")
		got := strings.Join(wrongImports(files, exceptions), "\n")
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s imports %s: got %q, want %q", c.file, c.imports, got, c.want)
		}
	}
}

func TestPackagesThatKnowTheContractAndTheCoreAreFound(t *testing.T) {
	text := "package a\nimport (\n_ \"" + module + "/host/mesh\"\n_ \"" + module + "/proto/meshos/v1\"\n)\n"
	if got := wrongTranslators(fileTree(t, "host/loop/a.go", text), translators); len(got) != 1 || !strings.HasPrefix(got[0], "host/loop imports") {
		t.Errorf("host/loop: %q", got)
	}
	if got := wrongTranslators(fileTree(t, "host/wire/a.go", text), translators); got != nil {
		t.Errorf("host/wire: %q", got)
	}
}

func TestImpurityIsFound(t *testing.T) {
	for body, want := range map[string]string{
		`import "time"; func f(t time.Time) time.Time { return t.Add(time.Second) }`:  "",
		`import "time"; func f() time.Time { return time.Now() }`:                     "time.Now is used",
		`import clock "time"; var _ = 1; func f() { clock.Sleep(1) }`:                 "clock.Sleep is used",
		`import "time"; func f() func(time.Time) time.Duration { return time.Since }`: "time.Since is used",
		`import "os"; func f() { os.Exit(1) }`:                                        "os is imported",
		`import "sync"; type s struct{ sync.Mutex }`:                                  "sync is imported",
		`import "log/slog"; func f() { slog.Info("") }`:                               "log/slog is imported",
		`import "context"; func f(context.Context) {}`:                                "context is imported",
		`import "math/rand/v2"; func f() int { return rand.Int() }`:                   "math/rand/v2 is imported",
		`import "reflect"; func f(v any) reflect.Type { return reflect.TypeOf(v) }`:   "reflect is imported",
		`import . "time"; func f() Time { return Now() }`:                             "time is imported as .",
		`import "fmt"; func f() { fmt.Println() }`:                                    "fmt.Println is used",
		`import "fmt"; func f() string { return fmt.Sprint(1) }`:                      "",
		`func f() { println() }`:                                                      "println is called",
		`func f() { go f() }`:                                                         "a goroutine is started",
		`func f() { make(chan int) }`:                                                 "a channel is used",
		`type t struct{ c <-chan int }`:                                               "a channel is used",
		`func f() { select {} }`:                                                      "it selects among channels",
		`func init() {}`:                                                              "it has an init function",
		`var cache map[string]int`:                                                    "a package variable is declared",
		`const size = 3`:                                                              "",
	} {
		files := fileTree(t, "host/state/a.go", "package state; "+body)
		got := strings.Join(impurities(files[0]), "\n")
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", body, got, want)
		}
	}
}

func TestWhatIsNotBuiltIntoProgramsIsLeftOut(t *testing.T) {
	text := []byte("package a\n")
	files, err := readTree(fstest.MapFS{
		"host/a.go":            {Data: text},
		"host/a_test.go":       {Data: text},
		"host/testdata/a.go":   {Data: text},
		".git/a.go":            {Data: text},
		"bin/a.go":             {Data: text},
		"tools/go.mod":         {Data: []byte("module tools\n")},
		"tools/a.go":           {Data: text},
		"host/bin/a.go":        {Data: text},
		"host/notes/readme.md": {Data: text},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		got = append(got, f.file)
	}
	if strings.Join(got, " ") != "host/a.go host/bin/a.go" {
		t.Errorf("read %v", got)
	}
}

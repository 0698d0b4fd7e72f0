package catalog_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/snapshot"
)

// change gives a plugin another entry, which must not be refused.
func (r *rig) change(e catalog.Entry) {
	r.t.Helper()
	if entry, config := r.Change(r.t.Context(), e); entry != nil || config != nil {
		r.t.Fatalf("refused: %v, %v", entry, config)
	}
}

// Whoever does what an error says gets a plugin that runs, without a restart of the node.
func TestTheRemedyOfEachErrorAboutAnEntryWorks(t *testing.T) {
	t.Parallel()
	wrong := strings.Repeat("0", 64)
	kinds := func(kinds ...string) func(*catalog.Entry) { return func(e *catalog.Entry) { e.Kinds = kinds } }
	for _, c := range []struct {
		name   string
		broken func(*catalog.Entry)
		remedy string
		mend   func(e *catalog.Entry, v snapshot.Plugin)
	}{
		{
			"sha256", func(e *catalog.Entry) { e.SHA256 = wrong }, "put sha256 = ",
			func(e *catalog.Entry, v snapshot.Plugin) { e.SHA256 = strings.ToUpper(v.SHA256) },
		},
		{
			"path", func(e *catalog.Entry) { e.Path = "/nowhere" }, "or set path in its entry",
			func(e *catalog.Entry, _ snapshot.Plugin) { e.Path = testPlugin },
		},
		{
			"folder", func(e *catalog.Entry) { e.Path = t.TempDir() }, "set path to the binary",
			func(e *catalog.Entry, _ snapshot.Plugin) { e.Path = testPlugin },
		},
		{
			"kinds", kinds(catalog.KindActuator), "correct kinds in its entry",
			func(e *catalog.Entry, _ snapshot.Plugin) { e.Kinds = []string{catalog.KindHealthProbe} },
		},
		{
			"config", func(e *catalog.Entry) { e.Config = map[string]any{"reject": "no"} }, "correct [plugin.config]",
			func(e *catalog.Entry, _ snapshot.Plugin) { e.Config = nil },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := entry("p", "", c.broken)
			r := start(t, []catalog.Entry{e})
			v := r.waitFor("p", snapshot.PluginRejected)
			if !strings.Contains(v.Message, c.remedy) || !strings.HasSuffix(v.Message, " in its entry in meshos.toml, then run meshos reload") &&
				!strings.HasSuffix(v.Message, " into its entry in meshos.toml, then run meshos reload") {
				t.Errorf("its message %q does not say what to do", v.Message)
			}
			c.mend(&e, v)
			r.change(e)
			r.waitFor("p", snapshot.PluginReady)
		})
	}
}

func TestAPluginThatRunsIsReplacedWhenItsEntryMeansAnotherProcess(t *testing.T) {
	t.Parallel()
	e := entry("p", "", func(e *catalog.Entry) { e.Config = map[string]any{"say": "old"} })
	r := start(t, []catalog.Entry{e})
	first := r.waitFor("p", snapshot.PluginReady)

	if name, may := r.PluginOf(int(first.PID)); name != "p" || may {
		t.Errorf("process of %q, may use the API: %v", name, may)
	}
	e.SHA256 = r.sum("p")
	e.API = true
	r.change(e)
	if _, may := r.PluginOf(int(first.PID)); !may {
		t.Error("it may not use the API, though its entry says so now")
	}
	if v := r.view("p"); v.PID != first.PID || v.Status != snapshot.PluginReady {
		t.Errorf("it has the checksum that its entry demands now, and was replaced: %+v", v)
	}

	e.Env = append(e.Env, "ANOTHER=1")
	e.Config = map[string]any{"say": "new"}
	r.change(e)
	r.until("it is replaced", func() bool { v := r.view("p"); return v.PID != first.PID && v.Status == snapshot.PluginReady })
	r.until("the new process has the new configuration", r.contains(&r.logs, "configured to say new"))
	if n := strings.Count(strings.Join(r.lines(&r.logs), "\n"), "configured to say"); n != 2 {
		t.Errorf("it was configured %d times, want once for each process", n)
	}

	e.SHA256 = strings.Repeat("0", 64)
	r.change(e)
	if v := r.waitFor("p", snapshot.PluginRejected); !strings.Contains(v.Message, "wrong checksum") {
		t.Errorf("message %q", v.Message)
	}
	e.SHA256 = ""
	r.change(e)
	r.waitFor("p", snapshot.PluginReady)
	if i := slices.IndexFunc(r.lines(&r.failures), func(f string) bool { return strings.Contains(f, "ended unexpectedly") }); i >= 0 {
		t.Errorf("a process that was replaced counts as a failure: %s", r.lines(&r.failures)[i])
	}
}

func TestAnEntryThatCanNotWorkChangesNothing(t *testing.T) {
	t.Parallel()
	e := entry("p", "")
	r := start(t, []catalog.Entry{e})
	before := r.waitFor("p", snapshot.PluginReady)
	e.Env, e.Path = []string{"PLUGIN_X=1"}, "/elsewhere"
	if entry, _ := r.Change(t.Context(), e); entry == nil || !strings.Contains(entry.Error(), "PLUGIN_X is set by the host") {
		t.Errorf("refused with %v", entry)
	}
	if v := r.view("p"); v.PID != before.PID {
		t.Error("it was replaced")
	}
}

// A plugin that refuses a configuration keeps its own, and is asked again by the next change.
func TestARefusedConfigurationIsAskedForAgain(t *testing.T) {
	t.Parallel()
	e := entry("p", "")
	r := start(t, []catalog.Entry{e})
	r.waitFor("p", snapshot.PluginReady)
	e.Config = map[string]any{"reject": "no"}
	for range 2 {
		if entry, config := r.Change(t.Context(), e); entry != nil || config == nil {
			t.Errorf("entry: %v, configuration: %v", entry, config)
		}
	}
}

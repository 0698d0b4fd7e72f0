package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/internal/testneeds"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// promtool runs Prometheus' own checker, which the tests need as they need ssh-keygen.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		testneeds.Missing(t, "the alert rules are checked with promtool: install the package prometheus")
	}
	if out, err := exec.Command(path, args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestAlertRulesPassTheirUnitTests(t *testing.T) {
	t.Parallel()
	promtool(t, "check", "rules", "../deploy/prometheus/meshos.yml")
	promtool(t, "check", "config", "../deploy/prometheus/prometheus.yml")
	promtool(t, "test", "rules", "../deploy/prometheus/meshos_test.yml", "../deploy/prometheus/meshos_slow_test.yml")
	rules := read(t, "../deploy/prometheus/meshos.yml")
	tests := read(t, "../deploy/prometheus/meshos_test.yml") + read(t, "../deploy/prometheus/meshos_slow_test.yml")
	alerts := regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(rules, -1)
	if len(alerts) == 0 {
		t.Error("there are no rules")
	}
	for _, alert := range alerts {
		for _, want := range []string{" fires\n", " stays quiet\n"} {
			if !strings.Contains(tests, "name: "+alert[1]+want) {
				t.Errorf("the unit tests of the rules have none that %s%s", alert[1], want)
			}
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// query is a query of the dashboard or an alert rule, with the labels that its text uses.
type query struct{ where, expr, text string }

// dashboardQueries returns the queries of the dashboard.
func dashboardQueries(t *testing.T) (out []query) {
	t.Helper()
	var dashboard struct {
		Templating struct {
			List []struct{ Type, Definition string }
		}
		Panels []struct {
			Type, Title string
			Targets     []struct{ Expr, LegendFormat string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, "../deploy/grafana/meshos.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	for _, p := range dashboard.Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %q has no query", p.Title)
		}
		for _, target := range p.Targets {
			out = append(out, query{"panel " + p.Title, target.Expr, target.LegendFormat})
		}
	}
	for _, v := range dashboard.Templating.List {
		if inner := regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`).FindStringSubmatch(v.Definition); inner != nil {
			out = append(out, query{"variable", fmt.Sprintf("sum by (%s) (%s)", inner[2], inner[1]), ""})
		}
	}
	return out
}

// ruleQueries returns the expressions of the alert rules, with their annotations.
func ruleQueries(t *testing.T) (out []query) {
	t.Helper()
	for _, rule := range strings.Split(read(t, "../deploy/prometheus/meshos.yml"), "- alert: ")[1:] {
		name, rest, _ := strings.Cut(rule, "\n")
		expr := regexp.MustCompile(`(?m)^ *expr: (.*)$`).FindStringSubmatch(rest)
		out = append(out, query{"alert " + name, expr[1], strings.ReplaceAll(rest, "$labels.", "")})
	}
	return out
}

// series are the labels with their values of each metric that a node has served.
type series map[string]map[string]map[string]bool

func (s series) add(page string) {
	line := regexp.MustCompile(`^(\w+)(?:\{(.*)\})? \S+$`)
	label := regexp.MustCompile(`(\w+)="((?:[^"\\]|\\.)*)"`)
	for _, text := range strings.Split(page, "\n") {
		found := line.FindStringSubmatch(text)
		if found == nil || strings.HasPrefix(text, "#") {
			continue
		}
		if s[found[1]] == nil {
			s[found[1]] = map[string]map[string]bool{}
		}
		for _, l := range label.FindAllStringSubmatch(found[2], -1) {
			if s[found[1]][l[1]] == nil {
				s[found[1]][l[1]] = map[string]bool{}
			}
			s[found[1]][l[1]][l[2]] = true
		}
	}
}

// closed are the labels whose values are known beforehand.
var closed = []string{"status", "state", "phase", "health", "chain", "result"}

var (
	selector = regexp.MustCompile(`\b(meshos_\w+)(?:\{([^}]*)\})?`)
	matcher  = regexp.MustCompile(`(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"`)
	grouping = regexp.MustCompile(`\b(?:by|on|ignoring|without)\s*\(([^)]*)\)`)
	legend   = regexp.MustCompile(`\{\{ ?(\w+) ?\}\}`)
)

// problems returns what is wrong with a query, by what the node has served.
func (s series) problems(q query) (out []string) {
	labels := map[string]bool{}
	for _, found := range selector.FindAllStringSubmatch(q.expr, -1) {
		metric := s[found[1]]
		if metric == nil {
			out = append(out, "no metric "+found[1])
			continue
		}
		for label := range metric {
			labels[label] = true
		}
		for _, m := range matcher.FindAllStringSubmatch(found[2], -1) {
			if metric[m[1]] == nil {
				out = append(out, found[1]+" has no label "+m[1])
				continue
			}
			for _, value := range strings.Split(m[3], "|") {
				if slices.Contains(closed, m[1]) && !metric[m[1]][value] {
					out = append(out, fmt.Sprintf("%s has no %s %q", found[1], m[1], value))
				}
			}
		}
	}
	if len(labels) == 0 {
		return out // of another exporter, such as up
	}
	var used []string
	for _, g := range grouping.FindAllStringSubmatch(q.expr, -1) {
		used = append(used, strings.Split(g[1], ", ")...)
	}
	for _, l := range legend.FindAllStringSubmatch(q.text, -1) {
		used = append(used, l[1])
	}
	for _, label := range used {
		if !labels[label] {
			out = append(out, "no metric of it has the label "+label)
		}
	}
	return out
}

func TestEveryQueryOfDashboardAndRulesFitsARunningNode(t *testing.T) {
	t.Parallel()
	queries := append(dashboardQueries(t), ruleQueries(t)...)
	if len(queries) < 60 {
		t.Errorf("only %d queries were found", len(queries))
	}
	checkSyntax(t, queries)

	n := prepare(t)
	// A mesh of one, on an address of loopback that no other test has: it has the metrics of a mesh.
	n.must("mesh", "init", "--listen", fmt.Sprintf("127.%d.%d.%d:7420", 64+rand.IntN(64), rand.IntN(256), 1+rand.IntN(254)))
	n.start()
	n.until("plugins and the daemon run", func(s *meshosv1.Snapshot) bool {
		return complete(s) && len(s.GetDaemons()) > 0 && s.GetDaemons()[0].GetLifecycle() == meshosv1.DaemonView_LIFECYCLE_RUNNING
	})
	// What a node has only once it happens.
	n.must("publish",
		`{"daemon_lifecycle":{"daemon":{"id":"1","name":"demo"},"health_changed":{"status":"STATUS_HEALTHY"}}}`,
		`{"rtt_sample":{"peer":"4","rtt":"0.001s","sent":20,"received":19,"jitter":"0.000100s"}}`)
	n.write("[node]\nid = 0\n")
	if err := n.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	n.until("the failed reload", func(s *meshosv1.Snapshot) bool {
		return slices.ContainsFunc(s.GetRecentFailures(), func(f *meshosv1.FailureRecord) bool { return f.GetSource() == "reload" })
	})

	served := series{}
	var wrong []string
	defer func() {
		if t.Failed() {
			t.Log(strings.Join(wrong, "\n"))
		}
	}()
	n.until("every query to fit", func(*meshosv1.Snapshot) bool {
		code, page := get(t, "http://"+n.listen+"/metrics")
		if code != http.StatusOK {
			t.Fatalf("/metrics: %d %s", code, page)
		}
		served.add(page)
		wrong = wrong[:0]
		for _, q := range queries {
			for _, problem := range served.problems(q) {
				wrong = append(wrong, fmt.Sprintf("%s: %s: %s", q.where, q.expr, problem))
			}
		}
		return len(wrong) == 0
	})
	if !served["meshos_config_reloads_total"]["result"]["rejected"] || !served["meshos_failures_total"]["source"]["reload"] {
		t.Error("the failed reload is not counted")
	}
}

// checkSyntax has promtool parse all queries, as recording rules.
func checkSyntax(t *testing.T, queries []query) {
	t.Helper()
	var rules strings.Builder
	rules.WriteString("groups:\n  - name: all\n    rules:\n")
	for i, q := range queries {
		expr, err := json.Marshal(strings.ReplaceAll(q.expr, "$__rate_interval", "5m"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&rules, "      - record: query:%d\n        expr: %s\n", i, expr)
	}
	file := filepath.Join(t.TempDir(), "all.yml")
	if err := os.WriteFile(file, []byte(rules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", file)
}

// The check itself finds what it is there for.
func TestAWrongQueryIsFound(t *testing.T) {
	t.Parallel()
	served := series{}
	served.add("meshos_plugin_status{node=\"1\",plugin=\"p\",status=\"ready\"} 1\n")
	for expr, want := range map[string]string{
		`sum by (node, plugin) (meshos_plugin_status{status=~"ready"})`: "",
		`meshos_plugin_state`:                        "no metric meshos_plugin_state",
		`meshos_plugin_status{state="ready"}`:        "meshos_plugin_status has no label state",
		`meshos_plugin_status{status="raedy"}`:       `meshos_plugin_status has no status "raedy"`,
		`sum by (node, peer) (meshos_plugin_status)`: "no metric of it has the label peer",
	} {
		if got := strings.Join(served.problems(query{expr: expr}), "; "); got != want {
			t.Errorf("%s: %q, want %q", expr, got, want)
		}
	}
	if got := served.problems(query{expr: "meshos_plugin_status", text: "{{node}} {{peer}}"}); len(got) != 1 {
		t.Errorf("the legend: %q", got)
	}
}

func TestTheFirstPageSaysWhatThereIs(t *testing.T) {
	t.Parallel()
	n := prepare(t).start()
	n.until("a snapshot", func(s *meshosv1.Snapshot) bool { return s.GetTick() > 0 })
	code, page := get(t, "http://"+n.listen+"/")
	if code != http.StatusOK {
		t.Fatalf("/: %d %s", code, page)
	}
	for _, want := range regexp.MustCompile(`(?m)^/\w+`).FindAllString(page, -1) {
		testkit.Until(t, want+", which is on the first page", func() bool {
			code, _ := get(t, "http://"+n.listen+want)
			return code == http.StatusOK
		})
	}
	if !strings.Contains(page, "/metrics") || !strings.Contains(page, "/healthz") || !strings.Contains(page, "node 1") {
		t.Errorf("got %s", page)
	}
	if code, _ := get(t, "http://"+n.listen+"/nothing"); code != http.StatusNotFound {
		t.Errorf("/nothing: %d", code)
	}
}

func TestACrashOfADaemonIsCounted(t *testing.T) {
	t.Parallel()
	n := prepare(t).start()
	snap := n.until("the daemon runs", func(s *meshosv1.Snapshot) bool {
		return len(s.GetDaemons()) > 0 && s.GetDaemons()[0].GetLifecycle() == meshosv1.DaemonView_LIFECYCLE_RUNNING && s.GetDaemons()[0].GetPid() > 0
	})
	if err := syscall.Kill(int(snap.GetDaemons()[0].GetPid()), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	n.untilMetrics(`meshos_daemon_crashes_total{daemon="1",name="demo",node="1"} 1` + "\n")
}

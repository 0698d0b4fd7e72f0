package config_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/meshos/meshos/host/config"
)

func TestDifferencesNameEachKey(t *testing.T) {
	parse := func(text string) *config.Config {
		t.Helper()
		cfg, err := config.Parse("meshos.toml", text)
		if err != nil {
			t.Fatal(err)
		}
		return cfg
	}
	const before = `
[node]
id = 1
name = "n"
[[peer]]
id = 2
address = "127.0.0.2"
[[peer]]
id = 3
address = "127.0.0.3"
[[plugin]]
name = "p"
path = "/bin/true"
config = { interval = "1s" }
`
	const after = `
[node]
id = 1
name = "n"
[loop]
tick_interval = "250ms"
[[peer]]
id = 3
address = "127.0.0.4"
[[peer]]
id = 4
address = "127.0.0.5"
[[plugin]]
name = "p"
path = "/bin/true"
timeout = "2s"
config = { interval = "2s" }
`
	var got []string
	for _, d := range parse(before).Differences(parse(after)) {
		got = append(got, fmt.Sprintf("%s (%s → %s)", d, d.Old, d.New))
	}
	want := []string{
		`loop.tick_interval ("500ms" → "250ms")`,
		`peer 2 removed ({ id = 2, address = "127.0.0.2" } → )`,
		`peer 3: address ("127.0.0.3" → "127.0.0.4")`,
		`peer 4 added ( → { id = 4, address = "127.0.0.5" })`,
		`plugin "p": timeout ( → "2s")`,
		`plugin "p": config ({ interval = "1s" } → { interval = "2s" })`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if same := parse(before).Differences(parse(before)); len(same) != 0 {
		t.Errorf("a configuration differs from itself: %v", same)
	}
}

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Chains of the file count once: when the mesh begins. Then the mesh says what they are.
func TestChainsOfTheFileBecomeThoseOfTheMeshAndDifferencesAreMistakes(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "meshos.toml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) (code int, told string) {
		s := &shell{}
		code = s.run(t.Context(), append([]string{"-c", path}, args...)...)
		return code, s.out.String() + s.err.String()
	}
	const orders = "\n[[chain]]\nid = 1\nname = \"orders\"\nspread = \"rack\"\nstream = { subjects = [\"orders.>\"], max_age = \"72h\" }\n"
	node := fmt.Sprintf("[node]\nid = 4\nname = \"delta\"\ndata_dir = %q\n", filepath.Join(dir, "data"))
	write(node + orders)
	if code, told := run("validate"); code != exitDone || !strings.Contains(told, "meshos.toml:10: chain.stream: chain 1 is stored nowhere: this node belongs to no mesh") {
		t.Errorf("without a mesh: exit %d\n%s", code, told)
	}
	if code, told := run("mesh", "init", "--listen", "127.0.0.1:7420"); code != exitDone || !strings.Contains(told, "1 [[chain]] entry of its configuration became") {
		t.Fatalf("init: exit %d\n%s", code, told)
	}
	begun, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	compare := func(from, to string, want ...string) {
		t.Helper()
		write(strings.Replace(string(begun), from, to, 1))
		code, told := run("validate")
		if strings.Contains(told, ": chain") != (len(want) > 0) || len(want) > 0 && code != exitFailed {
			t.Errorf("%s: exit %d\n%s", to, code, told)
		}
		for _, w := range want {
			if !strings.Contains(told, w) {
				t.Errorf("%s: no %q in\n%s", to, w, told)
			}
		}
	}
	compare("", "")
	compare(`"72h"`, `"24h"`, "chain.stream.max_age: is 24h, and chain 1 of the mesh has 72h")
	compare(`spread = "rack"`, `replicas = 5`, "chain.replicas: is 5, and chain 1 of the mesh has 3", "`meshos chain set 1 --replicas 5`", `chain.spread: is "", and chain 1 of the mesh has "rack"`)
	compare(`"orders.>"`, `"bills"`, "chain.stream.subjects: is bills, and chain 1 of the mesh has orders.>")
	compare("id = 1\n", "id = 2\n", "meshos.toml:8: chain.id: the mesh has no chain 2", "`meshos chain create orders`")
	compare(orders, "")
}

package architecture

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestImportsPointOneWay(t *testing.T) {
	files := repository(t)
	for _, problem := range wrongImports(files, exceptions) {
		t.Error(problem)
	}
	for i, e := range exceptions {
		without := slices.Delete(slices.Clone(exceptions), i, i+1)
		if len(wrongImports(files, without)) == 0 {
			t.Errorf("nothing in %s imports %s any more: take the exception out of the table", e.from, e.to)
		}
	}
}

func TestOnlyTranslatorsKnowTheContractAndTheCore(t *testing.T) {
	files := repository(t)
	for _, problem := range wrongTranslators(files, translators) {
		t.Error(problem)
	}
	for i, known := range translators {
		without := slices.Delete(slices.Clone(translators), i, i+1)
		if len(wrongTranslators(files, without)) == 0 {
			t.Errorf("%s no longer imports both %s and host/mesh: take it out of the table", known.of, contract)
		}
	}
}

// repository reads the files of the repository that this test is in.
func repository(t *testing.T) []source {
	t.Helper()
	files, err := readTree(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 200 {
		t.Fatalf("found only %d files: is this the repository?", len(files))
	}
	return files
}

// wrongImports lists the imports that the rules forbid.
func wrongImports(files []source, except []exception) []string {
	var out []string
	for _, f := range files {
		r, found := ruleFor(f.pkg)
		if !found {
			out = append(out, fmt.Sprintf("%s: no rule says what %s may import: add one to the table", f.file, f.pkg))
			continue
		}
		for _, to := range f.imports {
			if problem := wrongImport(f, r, to, except); problem != "" {
				out = append(out, fmt.Sprintf("%s imports %s: %s", f.file, to, problem))
			}
		}
	}
	return out
}

// wrongImport says what is wrong with one import, or "".
func wrongImport(f source, r rule, to string, except []exception) string {
	if !f.ours(to) {
		for _, only := range modulesOnlyFrom {
			if strings.HasPrefix(to, only.to) && !matches(only.from, f.pkg) {
				return fmt.Sprintf("only %s may import %s...", strings.Join(strings.Fields(only.from), ", "), only.to)
			}
		}
		if r.bare && !f.standard(to) {
			return fmt.Sprintf("%s needs nothing but the standard library", f.pkg)
		}
		return ""
	}
	for _, only := range onlyFrom {
		if matches(only.to, to) && !matches(only.from, f.pkg) {
			return fmt.Sprintf("only %s may import it", strings.Join(strings.Fields(only.from), ", "))
		}
	}
	excepted := slices.ContainsFunc(except, func(e exception) bool { return matches(e.from, f.pkg) && matches(e.to, to) })
	switch {
	case excepted, matches(r.may, to), folder(f.pkg) == folder(to):
		return ""
	case r.may == "":
		return fmt.Sprintf("%s may import no package of this project", r.of)
	}
	return fmt.Sprintf("%s may import only %s", r.of, strings.Join(strings.Fields(r.may), ", "))
}

// ruleFor finds the rule of a package: the one that names it, or else the one with the
// longest pattern that matches it.
func ruleFor(pkg string) (best rule, found bool) {
	longest := 0
	for _, r := range rules {
		for _, pattern := range strings.Fields(r.of) {
			if matches(pattern, pkg) && specific(pattern) > longest {
				best, longest, found = r, specific(pattern), true
			}
		}
	}
	return best, found
}

// specific returns how specific a pattern is: one without wildcard is more so than any
// with one.
func specific(pattern string) int {
	if !strings.HasSuffix(pattern, "/...") {
		return 1 << 10
	}
	return len(pattern)
}

// folder returns the first two elements of a package's path.
func folder(pkg string) string {
	elements := strings.SplitN(pkg, "/", 3)
	return strings.Join(elements[:min(2, len(elements))], "/")
}

// wrongTranslators lists the packages that import both the contract and host/mesh and
// are not among the known ones.
func wrongTranslators(files []source, known []translator) []string {
	mesh, proto := map[string]bool{}, map[string]bool{}
	for _, f := range files {
		for _, to := range f.imports {
			mesh[f.pkg] = mesh[f.pkg] || matches("host/mesh", to)
			proto[f.pkg] = proto[f.pkg] || matches(contract, to)
		}
	}
	var out []string
	for pkg := range mesh {
		listed := slices.ContainsFunc(known, func(t translator) bool { return matches(t.of, pkg) })
		if mesh[pkg] && proto[pkg] && !listed {
			out = append(out, fmt.Sprintf("%s imports %s and host/mesh: convert in host/wire, or add it to the translators with the reason", pkg, contract))
		}
	}
	slices.Sort(out)
	return out
}

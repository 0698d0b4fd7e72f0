package testkit

import (
	"flag"
	"os"
	"strconv"
	"testing"
)

// thorough is the variable by which "make thorough" asks for the long runs.
const thorough = "MESHOS_THOROUGH"

// Thorough reports whether tests are to take as long as they need to find what is rare. Else
// they are to be quick.
func Thorough() bool { return os.Getenv(thorough) != "" }

// Cases has rapid check a test's properties with n cases instead of its usual hundred, unless
// -rapid.checks says otherwise or tests are to be thorough. It is for tests whose cases take
// long, and not for parallel ones.
func Cases(t testing.TB, n int) {
	t.Helper()
	const name = "rapid.checks"
	checks := flag.Lookup(name)
	chosen := Thorough()
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == name })
	if checks == nil || chosen {
		return
	}
	before := checks.Value.String()
	if err := checks.Value.Set(strconv.Itoa(n)); err != nil { // not flag.Set, after which it would seem to be chosen
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = checks.Value.Set(before) })
}

package e2e

import (
	"os"
	"testing"

	"github.com/meshos/meshos/internal/testkit"
)

// bin is the folder in which TestMain put the binaries: meshos, plugins/* and examples/*.
var bin string

// atOnce is how many tests run at the same time.
const atOnce = 8

// binOfParent names the folder of a run of these tests that runs them again, in another
// namespace.
const binOfParent = "MESHOS_E2E_BIN"

func TestMain(m *testing.M) {
	builds := append(testkit.Product(".."), testkit.Build{To: "examples/", Packages: "../examples/plugins/..."})
	os.Exit(testkit.WithBinaries(m, &bin, binOfParent, atOnce, builds...))
}

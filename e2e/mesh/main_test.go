package mesh

import (
	"os"
	"testing"

	"github.com/meshos/meshos/internal/testkit"
)

// bin is the folder in which TestMain put the binaries: meshos, meshos-shim, plugins/*.
var bin string

// atOnce is how many tests run at the same time: each has several nodes.
const atOnce = 3

// built names a folder with binaries that are built already.
const built = "MESHOS_BIN"

func TestMain(m *testing.M) {
	builds := append(testkit.Product("../.."), testkit.Build{To: "liars/", Packages: "./liar"})
	os.Exit(testkit.WithBinaries(m, &bin, built, atOnce, builds...))
}

package pluginsdk_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// testPlugin names the variable that makes the test binary a plugin.
const testPlugin = "MESHOS_TEST_PLUGIN"

func TestMain(m *testing.M) {
	if name := os.Getenv(testPlugin); name != "" {
		serveTestPlugin(name) // does not return
	}
	goleak.VerifyTestMain(m)
}

package netlab

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/internal/testneeds"
)

const inside = "MESHOS_TEST_INSIDE"

// Inside runs a test in a network namespace of its own: it runs the test binary again there,
// for this test alone, without the capabilities of without.
func Inside(t *testing.T, test func(t *testing.T), without ...uintptr) {
	t.Helper()
	if os.Getenv(inside) == t.Name() {
		test(t)
		return
	}
	testneeds.Root(t, "make network namespaces")
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		testneeds.Missing(t, "needs /dev/net/tun for a link whose other side it is: modprobe tun")
	}
	names := strings.Split(t.Name(), "/")
	for i, name := range names {
		names[i] = "^" + regexp.QuoteMeta(name) + "$"
	}
	args := []string{"-test.run=" + strings.Join(names, "/"), "-test.v", "-test.count=1", "-test.timeout=5m"}
	for _, arg := range os.Args[1:] {
		if !strings.HasPrefix(arg, "-test.") {
			args = append(args, arg) // a flag of the package's own
		}
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), inside+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := run(cmd, without); err != nil {
		t.Fatalf("in the namespace: %v\n%s", err, &out)
	}
	t.Logf("in the namespace:\n%s", &out)
}

// run runs a command without some capabilities. What a thread drops from its bounding set, the
// processes that it starts can never get. So the goroutine never unlocks its thread, which ends
// with it, once the process has ended.
func run(cmd *exec.Cmd, without []uintptr) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		for _, capability := range without {
			if err := unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0); err != nil {
				done <- err
				return
			}
		}
		done <- cmd.Run()
	}()
	return <-done
}

package testkit

import (
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// Others start processes all the time, as tests that run in parallel do.
func TestAProgramCanBeExecutedAndLeasedWhileOthersStartProcesses(t *testing.T) {
	stop := make(chan struct{})
	var others sync.WaitGroup
	for range 4 {
		others.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					_ = exec.Command("/bin/true").Run()
				}
			}
		})
	}
	defer others.Wait()
	defer close(stop)
	path := filepath.Join(t.TempDir(), "program")
	for range 100 {
		Script(t, path, "#!/bin/sh\nexit 0\n")
		if err := exec.Command(path).Run(); err != nil {
			t.Fatal(err)
		}
		_, letGo := Leased(t, "/bin/true")
		letGo()
	}
}

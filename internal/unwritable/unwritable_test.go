package unwritable

import (
	"fmt"
	"os"
	"syscall"
	"testing"
)

func TestADiskThatTakesNothingIsDistinguishedFromOneWithoutAccess(t *testing.T) {
	for cause, want := range map[error]bool{
		syscall.ENOSPC: true, syscall.EDQUOT: true, syscall.EROFS: true, syscall.EIO: true, syscall.EACCES: false, syscall.ENOENT: false,
	} {
		err := fmt.Errorf("memory of accepted commands: %w", &os.PathError{Op: "write", Path: "memory", Err: cause})
		if Is(err) != want {
			t.Errorf("%v: %v", cause, !want)
		}
	}
}

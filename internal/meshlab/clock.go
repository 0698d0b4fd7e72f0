package meshlab

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// startWrong starts a process whose wall clock is off, and nothing else of it: not its monotonic
// clock, and not what it starts.
//
// Programs read the clock in code that the kernel maps into each process, the vDSO. While the
// process stands still before its first instruction, its own copy of that code is replaced. It
// has to be called on a thread that does not change.
func startWrong(cmd *exec.Cmd, off time.Duration) error {
	if runtime.GOARCH != "amd64" {
		return errors.New("a process with a wrong clock needs an amd64 machine")
	}
	cmd.SysProcAttr.Ptrace = true
	if err := cmd.Start(); err != nil {
		return err
	}
	pid := cmd.Process.Pid
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &status, 0, nil); err != nil {
		return fmt.Errorf("wait until process %d stands still: %w", pid, err)
	}
	err := setClock(pid, off)
	return errors.Join(err, syscall.PtraceDetach(pid))
}

func setClock(pid int, off time.Duration) error {
	from, code, err := vdso(pid)
	if err != nil {
		return err
	}
	image, err := elf.NewFile(bytes.NewReader(code))
	if err != nil {
		return err
	}
	symbols, err := image.DynamicSymbols()
	if err != nil {
		return err
	}
	for _, s := range symbols {
		if s.Name == "__vdso_clock_gettime" {
			_, err := syscall.PtracePokeText(pid, from+uintptr(s.Value), wrongClock(off))
			return err
		}
	}
	return errors.New("the vDSO has no clock")
}

// wrongClock is a function clock_gettime(clock, *timespec) that adds some seconds to the wall
// clock.
func wrongClock(off time.Duration) []byte {
	code := []byte{
		0xb8, 0xe4, 0, 0, 0, // mov eax, 228 (clock_gettime)
		0x0f, 0x05, // syscall
		0x85, 0xff, // test edi, edi
		0x75, 0x07, // jnz to ret: only CLOCK_REALTIME is 0
		0x48, 0x81, 0x06, // add qword [rsi], …
	}
	code = binary.LittleEndian.AppendUint32(code, uint32(int32(off/time.Second)))
	return append(code, 0xc3) // ret
}

// vdso returns the copy of the vDSO of a process, and where it is.
func vdso(pid int) (from uintptr, code []byte, err error) {
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return 0, nil, err
	}
	for line := range strings.Lines(string(maps)) {
		if !strings.HasSuffix(line, "[vdso]\n") {
			continue
		}
		var to uintptr
		if _, err := fmt.Sscanf(line, "%x-%x", &from, &to); err != nil {
			return 0, nil, err
		}
		code = make([]byte, to-from)
		_, err = syscall.PtracePeekData(pid, from, code)
		return from, code, err
	}
	return 0, nil, fmt.Errorf("process %d has no vDSO", pid)
}

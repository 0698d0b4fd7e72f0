package process

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// MarkVariable is in the environment of every process that a Spawner starts. Its value is
// different for each start, and children inherit it: so a process that left the session of its
// parent, and whose parent has ended, still shows what it was started by.
const MarkVariable = "MESHOS_RUN"

// maxEnviron bounds how much of an environment is searched for a mark.
const maxEnviron = 4 << 20

// NewMark returns a mark that no other start has.
func NewMark() string {
	var b [12]byte
	_, _ = unix.Getrandom(b[:], 0) // never fails for so few bytes, and crypto/rand is much for a small program
	return hex.EncodeToString(b[:])
}

// MarkOf returns the mark in an environment; "" if it has none.
func MarkOf(env []string) string {
	mark := ""
	for _, kv := range env {
		if value, ok := strings.CutPrefix(kv, MarkVariable+"="); ok {
			mark = value
		}
	}
	return mark
}

// settlePatience is how long it is waited until the mark of a process can be read.
const settlePatience = 10 * time.Second

// readMark returns the mark of a process of which s is known; "" if it has none, or if this process
// may not know. It reports false if that can't be said now: while a program is being executed
// it has no environment, and neither has a process that is about to end.
func readMark(pid int, s stat) (mark string, settled bool) {
	if s.kernel || s.dead() {
		return "", true
	}
	file, err := os.Open("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return "", !errors.Is(err, unix.ESRCH) // it is gone, or somebody else's; or it is about to end
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, maxEnviron)) // an error when it ends meanwhile
	for variable := range bytes.SplitSeq(text, []byte{0}) {
		if value, ok := bytes.CutPrefix(variable, []byte(MarkVariable+"=")); ok {
			return string(value), true
		}
	}
	// What was read may be the beginning only, or of a program that it does not execute any more.
	return "", err != nil || len(text) == maxEnviron || s.env == int64(len(text)) || s.env < 0 && len(text) > 0
}

// marks returns the marks of these processes. Those that can't be read now are waited for, but
// not for ever. Who is gone by then has none.
func (t table) marks(pids []int) map[int]string {
	marks := make(map[int]string)
	for late := time.Now().Add(settlePatience); ; time.Sleep(endPoll) {
		pids = slices.DeleteFunc(pids, func(pid int) bool {
			mark, settled := readMark(pid, t[pid])
			if settled {
				marks[pid] = mark
			}
			return settled
		})
		if len(pids) == 0 || time.Now().After(late) {
			return marks
		}
		pids = slices.DeleteFunc(pids, func(pid int) bool {
			s, err := readStat(pid)
			if err != nil || s.start != t[pid].start {
				return true
			}
			t[pid] = s
			return false
		})
	}
}

// Marked returns the living processes that have this mark. It waits for those that are being
// executed, whose mark can't be read meanwhile.
func Marked(mark string) []Identity {
	if mark == "" {
		return nil
	}
	t := processes()
	var pids []int
	for pid, has := range t.marks(slices.Collect(maps.Keys(t))) {
		if has == mark {
			pids = append(pids, pid)
		}
	}
	return t.identities(pids)
}

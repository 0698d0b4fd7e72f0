package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Identity names one process for ever. A process id alone does not: it is given
// away again as soon as its process is gone.
type Identity struct {
	PID int `json:"pid"`
	// Start is when it was started, in clock ticks since the machine was: field 22
	// of /proc/PID/stat.
	Start uint64 `json:"start"`
	// Boot is the id of the machine's run that it belongs to.
	Boot string `json:"boot"`
}

// ErrGone says that the process of an identity has ended. Its pid may be somebody
// else's by now.
var ErrGone = errors.New("the process is gone")

// Identify gives the identity of the process that has this pid now; ErrGone if
// none has.
func Identify(pid int) (Identity, error) {
	boot, err := BootID()
	if err != nil {
		return Identity{}, err
	}
	stat, err := readStat(pid)
	if err != nil {
		return Identity{}, err
	}
	return Identity{PID: pid, Start: stat.start, Boot: boot}, nil
}

// BootID gives the id of this run of the machine.
func BootID() (string, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("boot id: %w", err)
	}
	return strings.TrimSpace(string(id)), nil
}

// stat is what /proc/PID/stat says, as far as it is needed here.
type stat struct {
	state          byte
	group, session int
	start          uint64
}

func readStat(pid int) (stat, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return stat{}, ErrGone // also when it ends while it is read
	}
	return parseStat(text)
}

// parseStat takes the line apart. The program's name stands in it as it is, with
// whatever blanks and brackets it holds, so counting begins after the last one.
func parseStat(text []byte) (s stat, err error) {
	end := bytes.LastIndexByte(text, ')')
	if end < 0 {
		return stat{}, fmt.Errorf("a stat line of /proc without a name: %q", text)
	}
	const state, group, session, start = 0, 2, 3, 19 // fields 3, 5, 6 and 22
	fields := strings.Fields(string(text[end+1:]))
	if len(fields) <= start {
		return stat{}, fmt.Errorf("a stat line of /proc with %d fields", len(fields))
	}
	s.state = fields[state][0]
	if s.group, err = strconv.Atoi(fields[group]); err != nil {
		return stat{}, fmt.Errorf("process group: %w", err)
	}
	if s.session, err = strconv.Atoi(fields[session]); err != nil {
		return stat{}, fmt.Errorf("session: %w", err)
	}
	if s.start, err = strconv.ParseUint(fields[start], 10, 64); err != nil {
		return stat{}, fmt.Errorf("start time: %w", err)
	}
	return s, nil
}

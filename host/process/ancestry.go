package process

import "fmt"

// Kin is a process, or one that it descends from.
type Kin struct {
	PID, Session int
	Start        uint64 // as that of an Identity
}

// maxAncestry bounds a line of ancestors, which changes while it is read.
const maxAncestry = 256

// Ancestry returns a process and those that it descends from, itself first. A process whose
// parent has ended descends from whoever took it over: init, or the nearest subreaper. The
// error is ErrGone, or that of reading /proc.
func Ancestry(pid int) ([]Kin, error) {
	var line []Kin
	for pid > 0 && len(line) < maxAncestry {
		s, err := readStat(pid)
		if err != nil {
			if len(line) > 0 {
				return line, nil // it has ended; what is known of it is above
			}
			return nil, fmt.Errorf("ancestors of process %d: %w", pid, err)
		}
		line = append(line, Kin{PID: pid, Session: s.session, Start: s.start})
		pid = s.parent
	}
	return line, nil
}

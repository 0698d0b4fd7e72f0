package process

import (
	"fmt"
	"strconv"
	"syscall"

	"github.com/meshos/meshos/host/process/order"
)

// Rights are with which rights a process runs. It has them before its folder is changed
// and its program is opened. The zero value changes nothing.
type Rights struct {
	Account     *Account `json:"account,omitempty"` // nil for that of this process
	Umask       *int     `json:"umask,omitempty"`
	Nice        *int     `json:"nice,omitempty"`
	OOMScoreAdj *int     `json:"oom_score_adj,omitempty"`
}

// Account is a user with its groups. A process that becomes one loses its capabilities.
type Account struct {
	Name   string   `json:"name,omitempty"` // for people
	UID    uint32   `json:"uid"`
	GID    uint32   `json:"gid"`
	Groups []uint32 `json:"groups,omitempty"` // the supplementary ones
}

func (a *Account) name() string {
	if a.Name == "" {
		return strconv.FormatUint(uint64(a.UID), 10)
	}
	return a.Name
}

func (r Rights) order() order.Rights {
	out := order.Rights{Umask: r.Umask, Nice: r.Nice, OOMScoreAdj: r.OOMScoreAdj}
	if a := r.Account; a != nil {
		out.Account = &order.Account{UID: a.UID, GID: a.GID, Groups: a.Groups}
	}
	return out
}

// rightsError returns the error of a process that could not take its rights.
func (s Spec) rightsError(step order.Step, errno syscall.Errno) error {
	e := &StartError{Path: s.Path, Cause: CauseRights}
	switch {
	case step == order.AtOOMScore && s.Rights.OOMScoreAdj != nil:
		e.Err = fmt.Errorf("set oom_score_adj to %d: %w", *s.Rights.OOMScoreAdj, errno)
	case step == order.AtNice && s.Rights.Nice != nil:
		e.Err = fmt.Errorf("set nice to %d: %w", *s.Rights.Nice, errno)
	case step == order.AtAccount && s.Rights.Account != nil:
		a := s.Rights.Account
		e.Err = fmt.Errorf("become user %s (uid %d, gid %d): %w", a.name(), a.UID, a.GID, errno)
	default:
		e.Err = errno
	}
	return e
}

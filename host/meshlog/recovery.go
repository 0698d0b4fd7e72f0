package meshlog

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// recoveryPrefix is what the text of a recovery begins with. It names the version.
const recoveryPrefix = "meshosrecovery1."

// RecoveryText returns a recovery as operators carry it from one seed to the next: one word. It
// holds no secret.
func RecoveryText(r *meshosv1.Recovery) (string, error) {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("recovery: %w", err)
	}
	return recoveryPrefix + base64.RawURLEncoding.EncodeToString(raw), nil
}

// ParseRecovery reads the text of a recovery.
func ParseRecovery(text string) (*meshosv1.Recovery, error) {
	body, is := strings.CutPrefix(strings.TrimSpace(text), recoveryPrefix)
	if !is {
		return nil, fmt.Errorf("this is not a recovery: one begins with %q and is made with `meshos mesh recover start`", recoveryPrefix)
	}
	raw, err := base64.RawURLEncoding.DecodeString(body)
	out := &meshosv1.Recovery{}
	if err != nil || len(raw) > cluster.MaxEntry || proto.Unmarshal(raw, out) != nil || out.GetSigners() == nil {
		return nil, errors.New("the recovery is not complete: copy all of it, in one word")
	}
	return out, nil
}

// Recover orders what the seeds signed to replace who commands the mesh. The error is that of
// Commit.
func (l *Log) Recover(ctx context.Context, signed wire.Recovery) (mesh.AuditRecord, error) {
	r := signed.Signed
	return l.order(ctx, nil, func(s *cluster.State, now time.Time) (*meshosv1.OrderedEntry, error) {
		e := &meshosv1.OrderedEntry{Order: &meshosv1.OrderedEntry_Recovery{Recovery: proto.CloneOf(r)}}
		if rejection := s.CheckRecovery(r, now); rejection != nil {
			return nil, rejection
		}
		if rejection := l.allKnow("a recovery", cluster.Needs(e)); rejection != nil {
			return nil, rejection
		}
		return e, nil
	})
}

// sayRecovery says loudly that the seeds replaced who commands the mesh.
func (l *Log) sayRecovery(at cluster.Recovered) {
	l.opts.Report("mesh:recovery", l.recoveryAlarm(at))
}

func (l *Log) recoveryAlarm(at cluster.Recovered) string {
	names := make([]string, 0, len(at.Seeds))
	for _, id := range at.Seeds {
		m, _ := l.state.Member(id)
		names = append(names, fmt.Sprintf("%s (node %d)", m.Name, id))
	}
	return fmt.Sprintf("recovery: order %d replaced all who may command the mesh, at %s, signed on the seeds %s; if that was you, `meshos mesh recover acknowledge` ends this alarm",
		at.Height, at.At.UTC().Format("2006-01-02 15:04:05Z"), strings.Join(names, ", "))
}

// viewRecovery adds the last recovery, and the alarm that it raises. The caller holds mu.
func (l *Log) viewRecovery(out *meshosv1.MeshView) {
	at := l.state.Recovered()
	out.Recovered = at.ToProto()
	now := l.opts.Now()
	if t := l.state.Time(); t.After(now) {
		now = t
	}
	if at.Height > 0 && !at.Acknowledged && now.Sub(at.At) < cluster.RecoveryAlarm {
		out.Alarms = append(out.Alarms, l.recoveryAlarm(at))
	}
}

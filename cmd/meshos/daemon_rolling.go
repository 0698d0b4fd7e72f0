package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/cmd/meshos/internal/sign"
	"github.com/meshos/meshos/cmd/meshos/internal/view"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// ranFor is how long a daemon without a health check has to run to count as well.
const ranFor = 2 * time.Second

// rolling restarts the daemons of a node one after the other.
type rolling struct {
	app    *app
	node   *nodeClient
	flags  *commandFlags
	within time.Duration // for one daemon to become well

	signer *sign.Signer
	keys   []sign.Key
	target sign.Target
}

// rolledDaemon is what is printed of one daemon with -o json.
type rolledDaemon struct {
	ID     uint64 `json:"id"`
	Name   string `json:"name,omitempty"`
	Well   bool   `json:"well"`
	Took   string `json:"took"`
	Reason string `json:"reason,omitempty"` // why it is not well
}

func (a *app) rollingRestart(cmd *cobra.Command, f *commandFlags, within time.Duration) error {
	ctx := cmd.Context()
	wrong := func(err error) error { return &usageError{err: err, help: cmd.CommandPath() + " --help"} }
	switch err := f.check(); {
	case err != nil:
		return wrong(err)
	case f.propose != "":
		return wrong(errors.New("--propose: a rolling restart is a command for each daemon, given when the one before is well; propose each restart by itself"))
	case within <= 0:
		return wrong(fmt.Errorf("--within: must be more than 0, is %v", within))
	}
	node, err := a.connect()
	if err != nil {
		return err
	}
	defer node.close()
	r := &rolling{app: a, node: node, flags: f, within: within, signer: a.signer()}
	if r.target, err = sign.ReadTarget(a.configPath(), f.cluster); err != nil {
		return err
	}
	s, err := node.snapshot(ctx)
	if err != nil {
		return err
	}
	daemons := restartOrder(s)
	if len(daemons) == 0 {
		return fmt.Errorf("node %d has no daemon to restart: none should run, or those that should are done or rejected", s.GetNode())
	}
	r.preview(s, daemons)
	if f.dryRun {
		_, err = io.WriteString(a.out, "Nothing was sent.\n")
		return err
	}
	return r.run(ctx, s, daemons)
}

// restartOrder returns the daemons that a rolling restart restarts, those that others are
// started after first. One-shots are not among them: they have their end by themselves.
func restartOrder(s *meshosv1.Snapshot) (order []*meshosv1.DaemonView) {
	left := slices.DeleteFunc(slices.Clone(s.GetDaemons()), func(d *meshosv1.DaemonView) bool {
		return d.GetIntent() != meshosv1.DaemonIntent_INTENT_RUN || d.GetRejected() != "" || d.GetRestartMode() == "never" ||
			d.GetOutcome() != meshosv1.DaemonView_OUTCOME_UNSPECIFIED
	})
	for len(left) > 0 {
		i := slices.IndexFunc(left, func(d *meshosv1.DaemonView) bool {
			return !slices.ContainsFunc(left, func(o *meshosv1.DaemonView) bool { return slices.Contains(d.GetBefore(), o.GetDaemon().GetId()) })
		})
		i = max(i, 0) // a circle, which no configuration has
		order = append(order, left[i])
		left = slices.Delete(left, i, i+1)
	}
	return order
}

func names(daemons []*meshosv1.DaemonView) string {
	words := make([]string, len(daemons))
	for i, d := range daemons {
		words[i] = nameOrID(view.Plain(d.GetDaemon().GetName()), d.GetDaemon().GetId())
	}
	return strings.Join(words, ", ")
}

func (r *rolling) preview(s *meshosv1.Snapshot, daemons []*meshosv1.DaemonView) {
	w := r.app.err
	if r.flags.dryRun {
		w = r.app.out
	}
	_, _ = fmt.Fprintf(w, "Restart %s of node %d one after the other\n  %s\n  Each has %v to become well before the next one is restarted.\n",
		view.Counted(len(daemons), "daemon"), s.GetNode(), names(daemons), r.within)
}

func (r *rolling) run(ctx context.Context, before *meshosv1.Snapshot, daemons []*meshosv1.DaemonView) error {
	a := r.app
	keys, closeKeys, err := a.signingKeys(ctx, r.signer, r.flags, r.target)
	if err != nil {
		return err
	}
	defer closeKeys()
	r.keys = keys
	if !r.flags.yes {
		if err := sign.Confirm(ctx, a.prompter(), sign.Command{Kind: "restart_daemon"}, "Do"); err != nil {
			return err
		}
	}
	for i, d := range daemons {
		begun := a.now()
		err := r.restart(ctx, before, d)
		if err := r.progress(i, len(daemons), d, a.now().Sub(begun), err); err != nil {
			return err
		}
		if err != nil {
			left := daemons[i+1:]
			if len(left) == 0 {
				return err
			}
			return fmt.Errorf("%w\n    not restarted: %s", err, names(left))
		}
	}
	return nil
}

// progress says how the restart of one daemon ended.
func (r *rolling) progress(i, of int, d *meshosv1.DaemonView, took time.Duration, failed error) error {
	if *r.flags.output == outputJSON {
		out := rolledDaemon{ID: d.GetDaemon().GetId(), Name: d.GetDaemon().GetName(), Well: failed == nil, Took: took.Round(time.Millisecond).String()}
		if failed != nil {
			out.Reason = failed.Error()
		}
		return json.NewEncoder(r.app.out).Encode(out)
	}
	words := "well after " + view.Seconds(took.Round(100*time.Millisecond))
	if failed != nil {
		words = r.app.color(r.app.out).Apply(view.Bad, "not well")
	}
	_, err := fmt.Fprintf(r.app.out, "%d/%d %s: %s\n", i+1, of, names([]*meshosv1.DaemonView{d}), words)
	return err
}

// restart restarts one daemon, unless it was restarted already together with one that it
// requires, and waits until it is well. before is how the node was at the beginning.
func (r *rolling) restart(ctx context.Context, before *meshosv1.Snapshot, d *meshosv1.DaemonView) error {
	id := d.GetDaemon().GetId()
	now, err := r.node.snapshot(ctx)
	if err != nil {
		return err
	}
	if now.GetEpoch() != before.GetEpoch() {
		return errors.New("the node was restarted meanwhile")
	}
	old, ordered := daemonView(before, id), uint64(0)
	if present := daemonView(now, id); present.GetPid() == old.GetPid() || present.GetOutdated() {
		command, err := sign.NewCommand(&meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_RestartDaemon{
			RestartDaemon: &meshosv1.RestartDaemon{Node: now.GetNode(), Daemon: d.GetDaemon()},
		}})
		if err != nil {
			return err
		}
		command.Reason = r.flags.reason
		record, err := r.app.transmit(ctx, r.node, r.signer, r.keys, command, nil, r.target.Cluster)
		var undurable *undurableError
		if err != nil && !errors.As(err, &undurable) {
			return err
		}
		if outcome := record.GetOutcome(); outcome.GetVerdict() == meshosv1.VerificationOutcome_VERDICT_REJECTED {
			return &rejectedError{reason: outcome.GetKind() + ": " + view.Plain(outcome.GetMessage())}
		}
		old, ordered = present, record.GetSeq()
	}
	return r.await(ctx, before.GetEpoch(), ordered, old)
}

// await waits until a daemon runs with another process and is well. Snapshots from before the
// audit record of its restart say nothing of that.
func (r *rolling) await(ctx context.Context, epoch, ordered uint64, old *meshosv1.DaemonView) error {
	waiting, cancel := context.WithTimeout(ctx, r.within)
	defer cancel()
	last := old
	stream, err := r.node.watchSections(waiting, hostv1.SnapshotFilter_SECTION_DAEMONS, hostv1.SnapshotFilter_SECTION_ADMIN_AUDIT)
	err = receive(waiting, r.node, stream, err, documents(func(s *meshosv1.Snapshot) error {
		if s.GetEpoch() != epoch {
			return errors.New("the node was restarted meanwhile")
		}
		if lastAudit(s) < ordered {
			return nil
		}
		last = daemonView(s, old.GetDaemon().GetId())
		return wellAgain(old, last)
	}))
	name := names([]*meshosv1.DaemonView{old})
	switch {
	case errors.Is(err, errDone):
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case waiting.Err() != nil:
		return fmt.Errorf("%s was not well within %v: %s", name, r.within, unwell(last))
	case err == nil:
		return fmt.Errorf("%s: the node ended meanwhile", name)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// wellAgain returns errDone for a daemon that is well after its restart, nil for one that may
// become so, and why it won't for any other.
func wellAgain(old, d *meshosv1.DaemonView) error {
	switch {
	case d.GetDaemon() == nil:
		return errors.New("it is not in the configuration any more")
	case d.GetRejected() != "":
		return fmt.Errorf("its entry can't be used: %s", view.Plain(d.GetRejected()))
	case d.GetRestart() == meshosv1.DaemonView_RESTART_CRASH_LOOPING, d.GetOutcome() == meshosv1.DaemonView_OUTCOME_FAILED:
		return errors.New(unwell(d))
	case d.GetOutcome() == meshosv1.DaemonView_OUTCOME_DONE:
		return errDone
	case d.GetIntent() != meshosv1.DaemonIntent_INTENT_RUN:
		return errors.New("it was ordered to stop meanwhile")
	case d.GetLifecycle() != meshosv1.DaemonView_LIFECYCLE_RUNNING || d.GetPid() == old.GetPid():
		return nil
	case d.GetChecked() && d.GetHealth().GetStatus() == meshosv1.DaemonHealth_STATUS_HEALTHY,
		!d.GetChecked() && d.GetAge().AsDuration() >= ranFor:
		return errDone
	}
	return nil
}

// unwell returns how a daemon is that is not well.
func unwell(d *meshosv1.DaemonView) string {
	if trouble := view.DaemonTrouble(d); trouble != "" {
		return trouble
	}
	if d.GetLifecycle() == meshosv1.DaemonView_LIFECYCLE_RUNNING && d.GetChecked() {
		return "it runs, and its health check has not succeeded yet"
	}
	return "it is " + strings.ToLower(strings.TrimPrefix(d.GetLifecycle().String(), "LIFECYCLE_"))
}

package host

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/cgroup"
	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/daemon"
	"github.com/meshos/meshos/host/daemon/shim"
	"github.com/meshos/meshos/host/executor"
	"github.com/meshos/meshos/host/intake"
	"github.com/meshos/meshos/host/loop"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/metrics"
	"github.com/meshos/meshos/host/operator"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/ordered"
	"github.com/meshos/meshos/host/plugins"
	"github.com/meshos/meshos/host/records"
	"github.com/meshos/meshos/host/resolve"
	"github.com/meshos/meshos/host/state"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// ShimCommand is the subcommand of this binary that supervises one daemon.
const ShimCommand = shim.Command

// Options is what a node gets beside its configuration.
type Options struct {
	Version string
	Log     *slog.Logger // required
	// Sentence says in a sentence how a node is; nil for nothing. It is for the service
	// manager.
	Sentence func(*meshosv1.Snapshot) string
	// Trouble says in a sentence what is wrong with a node, "" for nothing; nil for nothing. It
	// is for other nodes.
	Trouble func(*meshosv1.Snapshot) string
	// LostLines, if set, returns how many lines of Log could not be written.
	LostLines func() uint64
	// StopDaemons ends the daemons with the node. Otherwise they go on, and the next
	// node on the same data directory takes them over.
	StopDaemons bool
	// Reload asks for the configuration file to be read again; nil for never.
	Reload <-chan os.Signal
	// Abort, when it is closed, ends the node at once: nothing is waited for any more.
	Abort <-chan struct{}
	// Journal is the file to record the run in; "" for none.
	Journal string
}

func (o Options) lostLines() uint64 {
	if o.LostLines == nil {
		return 0
	}
	return o.LostLines()
}

// What each part gets of a configuration.

func recordsOptions(cfg *config.Config, log *slog.Logger) records.Options {
	return records.Options{
		Dir:         filepath.Join(cfg.Node.DataDir, "records"),
		WitnessDir:  filepath.Join(cfg.Node.DataDir, "appenders"),
		Log:         log,
		SegmentSize: cfg.Records.SegmentSize,
		KeepSize:    cfg.Records.KeepSize,
		KeepAge:     cfg.Records.KeepAge,
		AuditLimit:  cfg.Records.AuditLimit,
		EndWithin:   endRecords,
		Elapsed:     sinceBoot(time.Now()),
	}
}

func operatorOptions(cfg *config.Config, auditFull func() bool, log *slog.Logger) operator.Options {
	return operator.Options{
		Policy: rules.Policy{
			Cluster:    cfg.Node.Cluster,
			Ordinary:   cfg.Operators.Ordinary,
			BreakGlass: cfg.Operators.BreakGlass,
			Thaw:       cfg.Operators.Thaw,
			Freshness:  cfg.Operators.Freshness,
			FutureSkew: cfg.Operators.FutureSkew,
			Cooldown:   cfg.Operators.Cooldown,
		},
		Node:          cfg.Node.ID,
		Signers:       cfg.Operators.Signers,
		Local:         string(intake.FromAPI),
		AllowUnsigned: cfg.Operators.AllowUnsigned,
		DataDir:       cfg.Node.DataDir,
		Now:           time.Now,
		Log:           log,
		AuditFull:     auditFull,
	}
}

func orderedOptions(cfg *config.Config, report func(source, reason string), log *slog.Logger) ordered.Options {
	return ordered.Options{DataDir: cfg.Node.DataDir, Node: cfg.Node.ID, Now: time.Now, Log: log, Report: report}
}

func bootOf(cfg *config.Config, epoch uint64, start time.Time, freeze time.Duration) state.Boot {
	return state.Boot{
		At:              mesh.Stamp{Wall: start.Round(0)},
		Node:            cfg.Node.ID,
		NodeName:        cfg.Node.Name,
		Epoch:           epoch,
		Policy:          cfg.Policy(),
		Desired:         cfg.Desired(),
		Operators:       cfg.Operators.Signers != "",
		AllowUnsigned:   cfg.Operators.AllowUnsigned,
		FreezeRemaining: freeze,
	}
}

// firstPause is the time between the first ticks, until all probes have answered.
const firstPause = 25 * time.Millisecond

func loopConfig(cfg *config.Config, start time.Time) loop.Config {
	return loop.Config{
		TickInterval: cfg.Loop.TickInterval,
		FirstPause:   firstPause,
		ProbeBudget:  cfg.Loop.ProbeBudget,
		EventQueue:   cfg.Loop.EventQueue,
		ActionQueue:  cfg.Loop.ActionQueue,
		Operators:    cfg.Operators.Signers != "",
		Start:        start,
	}
}

func catalogOptions(cfg *config.Config, names *resolve.Resolver) catalog.Options {
	return catalog.Options{
		Entries:   plugins.Entries(cfg),
		PluginDir: cfg.PluginSection.Dir,
		DataDir:   cfg.Node.DataDir,
		Node:      uint64(cfg.Node.ID),
		Cluster:   cfg.Node.Cluster,
		Peers:     plugins.Peers(cfg.Peers, names),
	}
}

func daemonOptions(cfg *config.Config, log *slog.Logger) daemon.Options {
	return daemon.Options{
		Node: cfg.Node.ID,
		Dir:  filepath.Join(cfg.Node.DataDir, "daemons"),
		// The file that is running, also when another one has its name by now.
		Shim:      []string{"/proc/self/exe", ShimCommand},
		CopyShim:  true,
		StopGrace: cfg.Restart.StopGrace,
		Cgroups:   cgroups(cfg.Node.DataDir, log),
		Log:       log,
	}
}

// cgroups returns where daemons get control groups. It says why if they get none, which is not
// a fault: they are found by other means then.
func cgroups(dataDir string, log *slog.Logger) *cgroup.Parent {
	if abs, err := filepath.Abs(dataDir); err == nil {
		dataDir = abs
	}
	sum := sha256.Sum256([]byte(dataDir))
	parent := cgroup.Open(hex.EncodeToString(sum[:4]))
	if why := parent.Why(); why != "" {
		log.Info("daemons get no control groups: limits hold for each process alone, and a process that "+
			"clears its environment and leaves its session is not found if its supervising process is killed", "reason", why)
	}
	return parent
}

func admission(cfg *config.Config) executor.Admission {
	return executor.Admission{
		PullCooldown:     cfg.Admission.PullCooldown,
		Stabilization:    cfg.Admission.Stabilization,
		DrainRate:        cfg.Admission.DrainRate,
		BackpressureHigh: cfg.Admission.BackpressureHigh,
		BackpressureLow:  cfg.Admission.BackpressureLow,
		MaxDefers:        cfg.Admission.MaxDefers,
		Workers:          cfg.Admission.DispatchWorkers,
	}
}

// daemonEvents brings events of daemons to the loop as long as it runs, and counts crashes.
type daemonEvents struct {
	*loop.Handle
	metrics *metrics.Metrics
}

// Publish implements daemon.Events.
func (d daemonEvents) Publish(ctx context.Context, ev mesh.Event) error {
	err := d.Handle.Publish(ctx, ev)
	if crashed, is := ev.(mesh.DaemonCrashed); is && err == nil {
		d.metrics.DaemonCrashed(crashed.Daemon.ID)
	}
	if errors.Is(err, loop.ErrLoopClosed) {
		return fmt.Errorf("%w: %w", daemon.ErrEventsClosed, err)
	}
	return err
}

// newEpoch returns the random number that tells this process's records from those of
// the one before.
func newEpoch() (uint64, error) {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return 0, fmt.Errorf("epoch: %w", err)
	}
	return max(1, binary.LittleEndian.Uint64(b[:])), nil
}

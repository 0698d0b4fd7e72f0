package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/prometheus/procfs"

	"github.com/meshos/meshos/pluginsdk"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

var idleFor = flag.Duration("idle", 0, "measure for so long what nodes cost that do nothing")

// idleEnv names the variable with which the test binary is one node of a mesh.
const idleEnv = "MESH_NATS_TEST_NODE"

// idleNode is what such a process is told.
type idleNode struct {
	ID      uint64
	Seed    []byte
	Dir     string
	Config  config
	Members []*pluginv1.Member
}

// runIdle is the process of one node that does nothing but tick.
func runIdle(text string) error {
	var one idleNode
	if err := json.Unmarshal([]byte(text), &one); err != nil {
		return err
	}
	env := pluginsdk.Env{
		Log:  hclog.New(&hclog.LoggerOptions{Level: hclog.Info, Output: os.Stderr}),
		Node: one.ID, Cluster: "idle", DataDir: one.Dir,
		Mesh: &pluginv1.MeshIdentity{LinkSeed: one.Seed, Incarnation: rand.Uint64()},
	}
	n, err := newNode(env, one.Config)
	if err != nil {
		return err
	}
	ctx := context.Background()
	go func() { _ = n.Run(ctx) }()
	if err := n.SetMembers(ctx, &pluginv1.SetMembersRequest{Members: one.Members, Found: one.ID == 1}); err != nil {
		return err
	}
	go func() {
		_ = n.Follow(ctx, &pluginv1.FollowRequest{}, func(*pluginv1.MeshBatch) error { return nil })
	}()
	for tick := uint64(1); ; tick++ {
		_ = n.Tell(ctx, &pluginv1.TellRequest{Tick: tick, Self: &meshosv1.NodeSummary{Name: fmt.Sprint("m", one.ID), Incarnation: n.incarnation}})
		if one.ID == 1 && n.board.linkNow().height == 0 {
			err := n.Order(ctx, &pluginv1.OrderRequest{Height: 1, Entry: []byte("founding"), Id: []byte("1")})
			if status.Code(err) != codes.Unavailable && err != nil {
				return err
			}
		}
		time.Sleep(time.Second)
	}
}

// What a node costs that does nothing, for docs/performance.md: 5 seeds, one leaf.
func TestIdleCost(t *testing.T) {
	if *idleFor == 0 {
		return
	}
	w := newWorld(t, 5)
	for id := uint64(1); id <= 6; id++ {
		w.add(id)
	}
	link := newCable(t, w.address(9), w.address(2))
	w.machines[6].cfg.Seeds = []string{w.address(9)}
	var members []*pluginv1.Member
	for id := uint64(1); id <= 6; id++ {
		members = append(members, w.machines[id].member())
	}
	pids := map[uint64]int{}
	for id := uint64(1); id <= 6; id++ {
		m := w.machines[id]
		m.cfg.Session, m.cfg.Beacon, m.cfg.MaxLog = pluginsdk.Duration(15*time.Second), pluginsdk.Duration(5*time.Second), 1<<30
		text, err := json.Marshal(idleNode{ID: id, Seed: m.seed, Dir: m.dir, Config: m.cfg, Members: members})
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), idleEnv+"="+string(text))
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
		pids[id] = cmd.Process.Pid
	}
	time.Sleep(30 * time.Second) // until all have settled
	cpu := func(pid int) (float64, int) {
		p, err := procfs.NewProc(pid)
		if err != nil {
			t.Fatal(err)
		}
		stat, err := p.Stat()
		if err != nil {
			t.Fatal(err)
		}
		return stat.CPUTime(), stat.ResidentMemory()
	}
	before, bytes := map[uint64]float64{}, link.carried.Load()
	for id, pid := range pids {
		before[id], _ = cpu(pid)
	}
	time.Sleep(*idleFor)
	for id := uint64(1); id <= 6; id++ {
		now, memory := cpu(pids[id])
		t.Logf("m%d: %.2f %% of a CPU, %d MB, %d MB of them its own", id, 100*(now-before[id])/idleFor.Seconds(), memory>>20, anonymous(t, pids[id])>>20)
	}
	t.Logf("the leaf's link: %.0f bytes a second, both ways", float64(link.carried.Load()-bytes)/idleFor.Seconds())
}

// anonymous returns how much memory of a process is not that of files, such as its binary.
func anonymous(t *testing.T, pid int) uint64 {
	p, err := procfs.NewProc(pid)
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.NewStatus()
	if err != nil {
		t.Fatal(err)
	}
	return s.RssAnon
}

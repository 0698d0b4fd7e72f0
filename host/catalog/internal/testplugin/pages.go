package main

import (
	"errors"
	"io"
	"math"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// kindVersions are those that it serves in the modes pages-….
func (s *server) kindVersions() []string {
	if strings.HasPrefix(s.mode, "pages-") {
		return []string{"placement_scorer/2", "time_machine/7"}
	}
	return nil
}

// pagedScorer is version 2 of placement_scorer.
type pagedScorer struct {
	pluginv1.UnimplementedPlacementScorerV2Server
	s     *server
	calls int
}

// Score answers the first call with a score for each chain, a page for each three, and what
// is wrong with the mode; later calls too, unless the mode says what happens then.
func (p *pagedScorer) Score(stream grpc.BidiStreamingServer[pluginv1.ScoreViewPage, pluginv1.ScorePage]) error {
	p.calls++
	if p.s.mode == "pages-early" {
		first, err := stream.Recv()
		if err != nil {
			return err
		}
		for n := range 500 { // more than fits on the way, before the rest is read
			if err := stream.Send(onePage(n, first.GetViewVersion(), chainsFrom(uint64(n*100+1), 100)...)); err != nil {
				return err
			}
		}
	}
	var version uint64
	var chains []uint64
	for {
		page, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		version += page.GetViewVersion()
		chains = append(chains, page.GetChains()...)
	}
	if p.s.mode == "pages-early" {
		return nil
	}
	if p.s.mode == "pages-none" {
		return nil
	}
	for n := 0; n == 0 || len(chains) > 0; n++ {
		part := chains[:min(3, len(chains))]
		chains = chains[len(part):]
		page := onePage(n, version, part...)
		p.spoil(n, page)
		if err := stream.Send(page); err != nil {
			return err
		}
		switch {
		case p.s.mode == "pages-slow":
			time.Sleep(100 * time.Millisecond)
		case p.s.mode == "pages-endless":
			chains = chainsFrom(uint64(n+2)*1000, 1000)
		case p.s.mode == "pages-empty":
			chains = []uint64{0}
		case p.calls == 1:
		case p.s.mode == "pages-crash":
			time.Sleep(50 * time.Millisecond) // for the page to be sent
			os.Exit(3)
		case p.s.mode == "pages-hang":
			select {}
		}
	}
	return nil
}

// spoil makes a page what the mode says.
func (p *pagedScorer) spoil(n int, page *pluginv1.ScorePage) {
	switch p.s.mode {
	case "pages-strange":
		if n > 0 {
			return
		}
		nan := float32(math.NaN())
		page.Chains = append(page.Chains, 99, page.Chains[0], 0)
		page.HolderCounts = append(page.HolderCounts, 1, 1, 1)
		page.Holders = append(page.Holders, 2, 2, 2)
		page.Scores = append(page.Scores, 1, 1, 1)
		page.HolderCounts[0] = 4 // chains[0] has also scores of node 0, no number, and a holder twice
		page.Holders = append([]uint64{0, 3, 2}, page.Holders...)
		page.Scores = append([]float32{1, nan, 0.25}, page.Scores...)
		page.Best, page.BestScores = []uint64{5, 5, 5, 5, 5, 5}, []float32{nan, 1, 1, 1, 1, 1}
		page.Costs = []uint32{1, 2, 9, 0, 0, 0}
		page.StateTransferNs, page.DisruptionNs, page.ReliabilityFactors = []int64{-1, 1e9}, []int64{0, 0}, []float32{1, 1}
	case "pages-columns":
		page.Scores = page.Scores[1:]
	case "pages-counts":
		page.HolderCounts[0] = math.MaxUint32
	case "pages-version":
		page.ViewVersion += 7
	case "pages-changes":
		page.Changes = n == 0
	case "pages-empty":
		if n > 0 {
			page.Reset()
		}
	}
}

// onePage scores holder 2 of each chain with a half.
func onePage(n int, version uint64, chains ...uint64) *pluginv1.ScorePage {
	page := &pluginv1.ScorePage{}
	if n == 0 {
		page.ViewVersion = version
	}
	for _, id := range chains {
		page.Chains, page.HolderCounts = append(page.Chains, id), append(page.HolderCounts, 1)
		page.Holders, page.Scores = append(page.Holders, 2), append(page.Scores, 0.5)
	}
	return page
}

func chainsFrom(first uint64, n int) (out []uint64) {
	for i := range n {
		out = append(out, first+uint64(i))
	}
	return out
}

// scoreAll is the answer of version 1 for a whole view, however many chains it has.
func scoreAll(r *pluginv1.ScoreRequest) *meshosv1.ScoreTable {
	out := &meshosv1.ScoreTable{ViewVersion: r.GetViewVersion()}
	for _, c := range r.GetChains() {
		score := &meshosv1.ChainScore{Chain: c.GetChain()}
		for _, h := range c.GetHolders() {
			score.Holders = append(score.Holders, &meshosv1.NodeScore{Node: h, Score: 0.5})
		}
		out.Chains = append(out.Chains, score)
	}
	return out
}

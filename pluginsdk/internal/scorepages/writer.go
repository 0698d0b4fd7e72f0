package scorepages

import (
	"time"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Writer makes the pages of one answer. Make it with NewWriter, call Add for each chain and
// then Close.
type Writer struct {
	limit  int
	send   func(*pluginv1.ScorePage) error
	led    func(chain uint64) bool
	before Answered
	find   finder
	now    Answered

	page  *pluginv1.ScorePage
	size  int
	costs map[cost]uint32 // their places in the page
	sent  bool            // a page was
}

// cost is a MigrationCost.
type cost struct {
	transfer, disruption time.Duration
	reliability          float32
}

// NewWriter returns the writer of the answer for a view, in pages of about limit bytes at
// most. If before is known, the answer has only the changes to that one; led reports
// whether the view has a chain.
func NewWriter(view uint64, limit int, before Answered, led func(chain uint64) bool, send func(*pluginv1.ScorePage) error) *Writer {
	w := &Writer{limit: limit, send: send, led: led, before: before}
	w.find.in = &w.before
	w.page = &pluginv1.ScorePage{ViewVersion: view, Changes: before.Known()}
	w.costs = make(map[cost]uint32)
	return w
}

// Add adds what is said of one chain, unless the host has it already.
func (w *Writer) Add(c *meshosv1.ChainScore) error {
	if c == nil {
		return nil
	}
	row := digest(c)
	w.now.add(c.GetChain(), row)
	if had, found := w.find.find(c.GetChain()); found && had == row {
		return nil
	}
	if err := w.room(8 + 2 + 12*len(c.GetHolders()) + 12 + 3 + 24); err != nil {
		return err
	}
	p := w.page
	p.Chains = append(p.Chains, c.GetChain())
	p.HolderCounts = append(p.HolderCounts, uint32(len(c.GetHolders())))
	for _, h := range c.GetHolders() {
		p.Holders, p.Scores = append(p.Holders, h.GetNode()), append(p.Scores, h.GetScore())
	}
	p.Best, p.BestScores = append(p.Best, c.GetBestAlternative().GetNode()), append(p.BestScores, c.GetBestAlternative().GetScore())
	p.Costs = append(p.Costs, w.place(c.GetCost()))
	return nil
}

// place returns the place of a cost in the page, from 1; 0 for none.
func (w *Writer) place(c *meshosv1.MigrationCost) uint32 {
	if c == nil {
		return 0
	}
	key := cost{c.GetStateTransfer().AsDuration(), c.GetDisruption().AsDuration(), c.GetReliabilityFactor()}
	place, known := w.costs[key]
	if !known {
		p := w.page
		p.StateTransferNs = append(p.StateTransferNs, int64(key.transfer))
		p.DisruptionNs = append(p.DisruptionNs, int64(key.disruption))
		p.ReliabilityFactors = append(p.ReliabilityFactors, key.reliability)
		place = uint32(len(p.ReliabilityFactors))
		w.costs[key] = place
	}
	return place
}

// Close sends what is left, and returns what the host has now.
func (w *Writer) Close() (Answered, error) {
	w.now.settle(&w.before)
	err := w.before.without(&w.now, func(chain uint64) error {
		if !w.led(chain) {
			return nil // the host knows that it does not count any more
		}
		if err := w.room(8); err != nil {
			return err
		}
		w.page.Unscored = append(w.page.Unscored, chain)
		return nil
	})
	if err != nil {
		return Answered{}, err
	}
	if w.size > 0 || !w.sent {
		return w.now, w.flush()
	}
	return w.now, nil
}

// room begins another page if this one has no room for so many bytes.
func (w *Writer) room(bytes int) error {
	if w.size > 0 && w.size+bytes > w.limit {
		if err := w.flush(); err != nil {
			return err
		}
	}
	w.size += bytes
	return nil
}

func (w *Writer) flush() error {
	p := w.page
	w.page, w.size, w.sent = &pluginv1.ScorePage{}, 0, true
	clear(w.costs)
	return w.send(p)
}

package main

import (
	"context"
	"errors"

	tea "charm.land/bubbletea/v2"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// watchScreen shows each newer state of a node on the terminal, until somebody quits or ctx
// ends. It goes on when the node is started again. The terminal is left as it was found.
func (a *app) watchScreen(ctx context.Context, node *nodeClient, wide bool, page func(context.Context, *meshosv1.Snapshot, view.Printer) pageShown) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	p := a.pagePrinter(wide)
	screen := newPager(p.Color)
	program := tea.NewProgram(screen, tea.WithContext(ctx), tea.WithInput(a.in), tea.WithOutput(a.out),
		tea.WithoutSignalHandler()) // ctx ends with a signal
	streamed := make(chan error, 1)
	go func() {
		follower := &follower{
			node: node,
			away: func() { program.Send(nodeAway{true}) },
			back: func() { program.Send(nodeAway{false}) },
		}
		err := follow(ctx, follower, node.watchAll, documents(func(s *meshosv1.Snapshot) error {
			program.Send(page(ctx, s, p))
			return ctx.Err()
		}))
		streamed <- err
		program.Send(streamEnded{})
	}()
	_, err := program.Run()
	interrupted := ctx.Err() != nil && errors.Is(err, tea.ErrProgramKilled)
	stop()
	ended := <-streamed
	switch {
	case interrupted:
		return context.Canceled
	case err != nil:
		return err
	case errors.Is(ended, context.Canceled): // somebody quit
		return nil
	}
	return ended
}

// pageOf returns what the pager shows of a snapshot: the page with and without all.
func (a *app) pageOf(ctx context.Context, s *meshosv1.Snapshot, pages *statusPage, p view.Printer) pageShown {
	page := pages.page(ctx, s)
	return pageShown{of: func(width int, all bool) (colored, plain string) {
		of, printer := page, p // it is called again when the size or the keys change
		of.Filter.All = page.Filter.All != all
		if p.Width != view.Unlimited {
			printer.Width = width
		}
		bare := printer
		bare.Color = false
		return printer.Status(of), bare.Status(of)
	}}
}

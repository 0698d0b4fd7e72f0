package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/hashicorp/go-hclog"

	"github.com/meshos/meshos/pluginsdk"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// tempFail is the exit status that asks for another try: EX_TEMPFAIL of sysexits.h.
const tempFail = 75

// runner carries out actions by commands.
type runner struct {
	env pluginsdk.Env
	cfg config
}

func newRunner(env pluginsdk.Env, cfg config) (*runner, error) {
	if cfg.Dir == "" {
		cfg.Dir = env.DataDir
	}
	return &runner{env: env, cfg: cfg}, nil
}

// Dispatch runs the command for an action and waits for its end. Status 0 is
// success, 75 asks for another try, everything else is final.
func (r *runner) Dispatch(ctx context.Context, id uint64, action *meshosv1.Action) ([]*meshosv1.Event, error) {
	kind := kindOf(action)
	words, ok := r.cfg.Commands[kind]
	if !ok {
		return nil, pluginsdk.Invalid(fmt.Errorf("no command for %s: name one in commands, or leave %s out of the entry's actions", kind, kind))
	}
	input, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(action)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	log := r.env.Log.With("action", id, "kind", kind)
	if r.cfg.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(r.cfg.Timeout))
		defer cancel()
	}
	c := command{
		words: words, dir: r.cfg.Dir, env: environment(r.env, r.cfg.Env, id, kind, input),
		input: append(input, '\n'), grace: time.Duration(r.cfg.Grace),
	}
	said := &listener{log: log, wantEvents: r.cfg.Events}
	began := time.Now()
	err = c.run(ctx, said)
	took := time.Since(began).Round(time.Millisecond)
	if err == nil {
		log.Info("done", "took", took)
		return said.events, nil
	}
	return nil, r.explain(ctx, log, words[0], said.last, took, err)
}

// explain returns the error of a failed command, which tells the host whether to try again.
func (r *runner) explain(ctx context.Context, log hclog.Logger, program, last string, took time.Duration, err error) error {
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s was not done after %v and was ended%s", program, took, quoted(last))
	case !errors.As(err, &exit):
		return fmt.Errorf("%s can't be run: %w", program, err)
	}
	err = fmt.Errorf("%s ended with %v%s", program, exit, quoted(last))
	if exit.ExitCode() == tempFail {
		log.Info("the command asks for another try", "after", r.cfg.Retry, "took", took)
		return pluginsdk.UnavailableAfter(err, time.Duration(r.cfg.Retry))
	}
	return err
}

// quoted puts the last line of a command behind an error.
func quoted(last string) string {
	if last == "" {
		return ""
	}
	return fmt.Sprintf(", its last line: %q", last)
}

// kindOf returns the name of an action's kind in the contract.
func kindOf(action *meshosv1.Action) string {
	m := action.ProtoReflect()
	if field := m.WhichOneof(m.Descriptor().Oneofs().ByName("kind")); field != nil {
		return string(field.Name())
	}
	return "unknown"
}

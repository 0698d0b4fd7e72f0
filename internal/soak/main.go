package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	long := flag.Duration("for", time.Minute, "how long there is chaos, all days together")
	day := flag.Duration("day", 10*time.Second, "how long there is chaos until the next peace")
	seed := flag.Uint64("seed", 0, "what decides what is done; 0: a new one")
	daemons := flag.Int("daemons", 50, "how many daemons there are")
	bin := flag.String("bin", "bin", "the folder of the built binaries (make build)")
	lines := flag.Bool("lines", true, "judge the lines that daemons print")
	keep := flag.Bool("keep", false, "keep the folder in any case")
	flag.Parse()
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano()) % 1_000_000
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	fmt.Printf("soak: seed %d, %d daemons, %v of chaos\n", *seed, *daemons, *long)
	if err := soak(ctx, *bin, *seed, *daemons, *long, *day, *lines, *keep); err != nil {
		fmt.Fprintf(os.Stderr, "soak: seed %d: %v\n", *seed, err)
		os.Exit(1)
	}
	fmt.Println("soak: all held")
}

func soak(ctx context.Context, bin string, seed uint64, daemons int, long, day time.Duration, lines, keep bool) (err error) {
	s, err := newStage(bin, seed, daemons)
	if err != nil {
		return err
	}
	defer func() {
		s.end()
		if err != nil && ctx.Err() == nil {
			s.history.print(os.Stderr, 60)
			fmt.Fprintf(os.Stderr, "soak: the node's log, its data and the whole history are in %s\n", s.dir)
			return
		}
		if !keep {
			s.remove()
		}
	}()
	if err := s.startNode(); err != nil {
		return err
	}
	if err := s.peace(ctx, true); err != nil {
		return fmt.Errorf("before anything was done: %w", err)
	}
	for n := 1; long > 0; n++ {
		length := min(day, long)
		long -= length
		if err := s.chaos(ctx, length); err != nil {
			return err
		}
		if err := s.peace(ctx, false); err != nil {
			return fmt.Errorf("day %d: %w", n, err)
		}
		s.restore(ctx)
		if err := s.peace(ctx, true); err != nil {
			return fmt.Errorf("day %d, when all should run: %w", n, err)
		}
		if err := s.flat(); err != nil {
			return fmt.Errorf("day %d: %w", n, err)
		}
		if lines {
			if err := s.lines(ctx); err != nil {
				return fmt.Errorf("day %d: %w", n, err)
			}
		}
		fmt.Printf("day %d held: %s\n", n, s.told())
	}
	return s.stopAll(ctx)
}

// buildActor builds the program that the daemons run.
func buildActor(path string) error {
	if out, err := exec.Command("go", "build", "-o", path, "./internal/soak/actor").CombinedOutput(); err != nil {
		return fmt.Errorf("build the actor: %w\n%s", err, out)
	}
	return nil
}

// copyFile copies a program.
func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return fmt.Errorf("%w; run make build first", err)
	}
	return os.WriteFile(to, text, 0o755)
}

func absolute(path string) string {
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return path
}

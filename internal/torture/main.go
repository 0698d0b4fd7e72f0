package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"text/tabwriter"
	"time"
)

// binaries are the programs that take part.
type binaries struct{ meshos, sibling, attacker string }

func main() {
	seconds := flag.Duration("for", 10*time.Second, "how long each attack goes on")
	only := flag.String("attack", "", "run this attack only")
	strict := flag.Bool("strict", false, "judge times and memory as well")
	bin := flag.String("bin", "bin", "the folder of the built binaries (make build)")
	flag.Parse()
	if err := torture(context.Background(), *bin, *only, *seconds, *strict); err != nil {
		fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(1)
	}
}

func torture(ctx context.Context, bin, only string, seconds time.Duration, strict bool) error {
	dir, err := os.MkdirTemp("", "attacker")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if bin, err = filepath.Abs(bin); err != nil {
		return err
	}
	b := binaries{
		meshos: filepath.Join(bin, "meshos"), sibling: filepath.Join(bin, "examples", "constant-rtt"),
		attacker: filepath.Join(dir, "attacker"),
	}
	if out, err := exec.Command("go", "build", "-o", b.attacker, "./internal/torture/attacker").CombinedOutput(); err != nil {
		return fmt.Errorf("build the attacker: %w\n%s", err, out)
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	defer func() { _ = table.Flush() }()
	_, _ = fmt.Fprintln(table, "ATTACK\tTICKS\tLATE\tWORST GAP\tSIBLING ASKED\tMEMORY\tSTATUS\tORDERS\tLOST\tLEFT\tVERDICT")
	wrong, ran := 0, 0
	var idle figures
	for _, a := range attacks() {
		if only != "" && a.name != only && a.name != "none" {
			continue
		}
		f, err := run(ctx, b, a, seconds)
		if err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
		if a.name == "none" {
			idle = f
		}
		ran++
		verdict := "ok"
		if faults := f.faults(idle, strict); len(faults) > 0 {
			wrong++
			verdict = fmt.Sprint(faults)
		}
		_, _ = fmt.Fprintf(table, "%s\t%d\t%d\t%v\t%d\t%d MiB\t%v\t%d\t%d\t%d\t%s\n", f.attack, f.ticks, f.late,
			f.worst.Round(time.Millisecond), f.asked, f.memory>>20, f.status.Round(time.Millisecond), f.ordered, f.lost, len(f.left), verdict)
		fmt.Fprintf(os.Stderr, "%s: %s: %s\n", a.name, a.what, verdict)
	}
	_ = table.Flush()
	fmt.Printf("%d passed, %d failed\n", ran-wrong, wrong)
	if wrong > 0 {
		return fmt.Errorf("%d of %d attacks did harm", wrong, ran)
	}
	return nil
}

// most is how much memory a node may have under an attack beside 1.2 times what it has
// idle: what [capacity] allows one plugin to bring.
const most = 256 << 20

// faults lists what an attack must not do and did. Times and memory count only if
// strict.
func (f figures) faults(idle figures, strict bool) (out []string) {
	fault := func(wrong bool, what string) {
		if wrong {
			out = append(out, what)
		}
	}
	fault(f.ticks == 0, "no tick")
	fault(f.asked*5 < f.ticks*4, "the sibling was hardly asked")
	fault(f.ordered == 0, "no command was accepted")
	fault(len(f.refused) > 0, fmt.Sprintf("%d commands were not taken, such as: %v", len(f.refused), first(f.refused)))
	fault(f.lost > 0, "acknowledged commands are not on disk")
	fault(len(f.left) > 0, fmt.Sprintf("processes outlived the node: %v", f.left))
	if strict {
		fault(f.asked+1 < f.ticks, "the sibling was not asked at every tick")
		fault(f.late > 0, "late ticks")
		fault(f.memory > idle.memory*12/10+most, "too much memory")
		fault(f.status > 100*time.Millisecond+idle.status, "status is slow")
	}
	return out
}

func first(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

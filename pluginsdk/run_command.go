package pluginsdk

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/meshos/meshos/internal/readfile"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// trial holds the arguments of the command run.
type trial struct {
	config  string
	dataDir string
	node    uint64
	wait    time.Duration
	peers   []*pluginv1.Peer
	verbose bool
}

// runCommand carries out the command run: it makes one instance, asks it and prints the
// answers.
func (p *program) runCommand(args []string) int {
	var a trial
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&a.config, "config", "", "read the configuration from `FILE`, in JSON; - is standard input")
	flags.StringVar(&a.dataDir, "data-dir", "", "the plugin's data `DIR` (default a temporary one)")
	flags.Uint64Var(&a.node, "node", 1, "the `ID` of this node")
	flags.DurationVar(&a.wait, "wait", 5*time.Second, "how long to repeat the calls of a kind until every peer has an answer")
	flags.BoolVar(&a.verbose, "v", false, "show the plugin's debug lines")
	flags.Func("peer", "a `PEER` to ask about, may be repeated: id=2,address=10.0.0.2,health=10.0.0.2:80,name=b",
		func(text string) error {
			peer, err := parsePeer(text)
			a.peers = append(a.peers, peer)
			return err
		})
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintf(p.out, "%s run: start the plugin here, call each kind that can be called without an\n"+
			"effect, and print the answers.\n\n", p.path)
		flags.SetOutput(p.out)
		flags.PrintDefaults()
		return exitDone
	case err != nil:
		return p.wrong("run: %v", err)
	case flags.NArg() > 0:
		return p.wrong("run: unexpected argument %q", flags.Arg(0))
	}
	config, err := p.readConfig(a.config)
	if err != nil {
		return p.wrong("run: %v", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if a.dataDir != "" {
		return p.runTrial(ctx, a, config)
	}
	return tempDir(func(dir string) int {
		a.dataDir = dir
		return p.runTrial(ctx, a, config)
	}, p.failed)
}

// runTrial starts the plugin in this process and asks it.
func (p *program) runTrial(ctx context.Context, a trial, config *structpb.Struct) int {
	level := hclog.Info
	if a.verbose {
		level = hclog.Trace
	}
	server, err := p.server(hclog.New(&hclog.LoggerOptions{Level: level, Output: p.err}))
	if err != nil {
		return p.failed(err)
	}
	defer server.closeWithin(replaceGrace)
	own := pluginService{s: server}
	if _, err := own.SetPeers(ctx, &pluginv1.SetPeersRequest{Peers: a.peers}); err != nil {
		return p.failed(err)
	}
	resp, err := own.Configure(ctx, &pluginv1.ConfigureRequest{
		Node: a.node, ClusterId: "default", DataDir: a.dataDir, Config: config,
	})
	if err != nil {
		if status.Code(err) == codes.InvalidArgument {
			return p.wrong("%s", status.Convert(err).Message())
		}
		return p.failed(errors.New(status.Convert(err).Message()))
	}
	for _, w := range resp.GetWarnings() {
		fmt.Fprintf(p.err, "%s: warning: %s\n", p.info.Name, w)
	}
	return p.askAll(ctx, server, len(a.peers), a.wait)
}

// readConfig reads a JSON object.
func (p *program) readConfig(file string) (*structpb.Struct, error) {
	var text []byte
	var err error
	switch file {
	case "":
		return &structpb.Struct{}, nil
	case "-":
		file = "standard input"
		text, err = readfile.All(file, p.in, readfile.MaxText)
	default:
		text, err = readfile.Read(file, readfile.MaxText)
	}
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	var config map[string]any
	if err := json.Unmarshal(readfile.WithoutBOM(text), &config); err != nil {
		return nil, fmt.Errorf("%s is not a JSON object: %w", file, err)
	}
	return structpb.NewStruct(config)
}

// parsePeer reads "id=2,address=10.0.0.2,health=10.0.0.2:80,name=b".
func parsePeer(text string) (*pluginv1.Peer, error) {
	peer := &pluginv1.Peer{}
	for part := range strings.SplitSeq(text, ",") {
		key, value, _ := strings.Cut(part, "=")
		switch key {
		case "id":
			id, err := strconv.ParseUint(value, 10, 64)
			if err != nil || id == 0 {
				return nil, fmt.Errorf("id %q is not a whole number above 0", value)
			}
			peer.Id = id
		case "name":
			peer.Name = value
		case "address":
			peer.Address = value
		case "health":
			peer.HealthTarget = value
		default:
			return nil, fmt.Errorf("%q is not one of id=, name=, address=, health=", part)
		}
	}
	if peer.GetId() == 0 {
		return nil, errors.New("a peer needs an id=")
	}
	return peer, nil
}

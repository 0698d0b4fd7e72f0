package catalog

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/plaintext"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

const (
	// correctConfig is the remedy for a configuration that was refused.
	correctConfig = "correct [plugin.config] in its entry in meshos.toml"
	// maxWarnings bounds what a plugin may say about one configuration.
	maxWarnings = 20
)

// Reconfigure gives a plugin another configuration. A running plugin is asked first: if
// it refuses, it keeps the old configuration, and so does the catalog. One that does not
// run gets the configuration at its next start, which is at once if it was rejected or
// waits for its next try.
func (c *Catalog) Reconfigure(ctx context.Context, name string, config map[string]any) error {
	s, err := c.find(name)
	if err != nil {
		return err
	}
	if _, err := structpb.NewStruct(config); err != nil {
		return fmt.Errorf("plugin %s: config: %w", name, err)
	}
	for kept := false; !kept; {
		i := s.acquire()
		if i != nil && s.outdated(i) { // it is about to be replaced by one that gets this
			i.calls.Done()
			i = nil
		}
		if i != nil {
			err := s.configure(ctx, i, config)
			i.calls.Done()
			if err != nil {
				return err
			}
		}
		kept = s.keepConfig(config, i)
	}
	s.wakeUp()
	return nil
}

// keepConfig makes a configuration the one of the next start. It returns false if the
// process that has taken the configuration was replaced meanwhile: the new one may have
// started with the old configuration.
func (s *slot) keepConfig(config map[string]any, taken *instance) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.config = config
	s.configVersion++
	leaving := s.instance != nil && s.outdated(s.instance)
	if s.instance != nil && s.instance != taken && !leaving {
		return false
	}
	if s.instance != nil && !leaving {
		s.renewLocked()
	}
	s.retryNow = s.machine.awaitsRetry()
	return true
}

// configure sends a configuration to a process.
func (s *slot) configure(ctx context.Context, i *instance, config map[string]any) error {
	fields, err := structpb.NewStruct(config)
	if err != nil {
		return &Error{Plugin: s.entry().Name, Step: "configure", Rejected: true, Problem: err.Error(), Remedy: correctConfig, Entry: true, Err: err}
	}
	dir, err := filepath.Abs(s.dataDir())
	if err != nil {
		return s.newError("configure", err.Error(), "set node.data_dir to an absolute path", err)
	}
	identity, err := s.identity(i)
	if err != nil {
		e := s.newError("configure", err.Error(), "", err)
		e.Host = true
		return e
	}
	var answer *pluginv1.ConfigureResponse
	err = s.setupCall(ctx, i, "Plugin.Configure", func(ctx context.Context, p pluginv1.PluginClient) (err error) {
		answer, err = p.Configure(ctx, &pluginv1.ConfigureRequest{
			Node: s.opts.Node, ClusterId: s.opts.Cluster, DataDir: dir, Config: fields, Mesh: identity,
		})
		return err
	})
	if err != nil {
		err := s.setupError("configure", i, err)
		if errors.Is(err, ErrInvalidArgument) {
			err.Problem = "it refuses its configuration: " + err.Err.(*CallError).Detail
			err.Remedy = correctConfig
			err.Rejected, err.Entry = true, true
		}
		return err
	}
	s.keepWarnings(answer.GetWarnings())
	return nil
}

// identity returns what a plugin gets of its node's keys: nil unless it serves the kind mesh.
func (s *slot) identity(i *instance) (*pluginv1.MeshIdentity, error) {
	if s.opts.Mesh == nil || !slices.Contains(i.kinds, KindMesh) {
		return nil, nil
	}
	return s.opts.Mesh()
}

// keepWarnings logs what a plugin says about its configuration, and keeps it for
// Describe.
func (s *slot) keepWarnings(said []string) {
	var warnings []string
	for _, w := range said[:min(len(said), maxWarnings)] {
		w = plaintext.Clean(w, detailLength)
		warnings = append(warnings, w)
		s.opts.Log(mesh.LevelWarn, s.entry().Name, "configuration: "+w)
	}
	s.mu.Lock()
	s.warnings = warnings
	s.mu.Unlock()
}

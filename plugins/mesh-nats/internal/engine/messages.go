package engine

import (
	"encoding/json"
	"slices"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/meshos/meshos/plugins/mesh-nats/internal/chains"
)

// streamInfo is the part of an answer that is read. The configuration is kept as it came: it is
// sent back whole when one figure in it changes, also if it has fields of a newer engine.
type streamInfo struct {
	Error   *server.ApiError    `json:"error"`
	Config  json.RawMessage     `json:"config"`
	State   server.StreamState  `json:"state"`
	Cluster *server.ClusterInfo `json:"cluster"`
}

// infoOf returns how a stream is, as a server says that holds it. A server does not list itself.
func infoOf(cluster *server.ClusterInfo, replicas int, state server.StreamState, self string) chains.Info {
	i := chains.Info{
		Replicas: replicas, Bytes: state.Bytes, First: state.FirstSeq, Last: state.LastSeq, Messages: state.Msgs,
		Lost: state.Lost != nil && len(state.Lost.Msgs) > 0,
	}
	if cluster == nil {
		return i
	}
	i.Leader = cluster.Leader
	for _, p := range cluster.Replicas {
		i.Peers = append(i.Peers, chains.Peer{
			Name: p.Name, Current: p.Current, Offline: p.Offline, Pending: p.Pending, Active: p.Active, Lag: p.Lag,
		})
	}
	for _, name := range []string{i.Leader, self} {
		if name != "" && !slices.ContainsFunc(i.Peers, func(p chains.Peer) bool { return p.Name == name }) {
			i.Peers = append(i.Peers, chains.Peer{Name: name, Current: true})
		}
	}
	if d := cluster.Desired; d != nil {
		i.Changing, i.Revertible = true, d.Origin != nil
		for _, p := range d.Replicas {
			i.Desired = append(i.Desired, p.Name)
		}
		slices.Sort(i.Desired)
		if d.Status != nil {
			i.Phase = string(d.Status.Type)
			if d.Status.Description != "" {
				i.Phase = d.Status.Description
			}
		}
	}
	return i
}

// tagsOf returns the tags that the placement of a configuration asks for.
func tagsOf(config json.RawMessage) []string {
	var c struct {
		Placement server.Placement `json:"placement"`
	}
	_ = json.Unmarshal(config, &c) // none then
	return c.Placement.Tags
}

// withTag returns a configuration whose placement asks for one tag, and nothing else changed.
func withTag(config json.RawMessage, tag string) ([]byte, error) {
	return with(config, "placement", server.Placement{Tags: []string{tag}})
}

// replicasOf returns how many replicas a configuration asks for.
func replicasOf(config json.RawMessage) int {
	var c struct {
		Replicas int `json:"num_replicas"`
	}
	_ = json.Unmarshal(config, &c) // 0 then
	return c.Replicas
}

// withReplicas returns a configuration with another number of replicas, and nothing else changed.
func withReplicas(config json.RawMessage, replicas int) ([]byte, error) {
	return with(config, "num_replicas", replicas)
}

func with(config json.RawMessage, field string, value any) ([]byte, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(config, &fields); err != nil {
		return nil, err
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	fields[field] = raw
	return json.Marshal(fields)
}

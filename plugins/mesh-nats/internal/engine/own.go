package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/meshos/meshos/plugins/mesh-nats/internal/chains"
)

// Held is a stream of which the server in this process has a replica.
type Held struct {
	Stream string
	chains.Info
}

// Own returns what a server holds, by name. It asks nobody.
func Own(srv *server.Server, account string) ([]Held, error) {
	z, err := srv.Jsz(&server.JSzOptions{Account: account, Streams: true, Config: true})
	if err != nil {
		return nil, fmt.Errorf("read what this node's server holds: %w", err)
	}
	var out []Held
	for _, a := range z.AccountDetails {
		for _, one := range a.Streams {
			replicas := 0
			if one.Config != nil {
				replicas = one.Config.Replicas
			}
			held := Held{one.Name, infoOf(one.Cluster, replicas, one.State, srv.Name())}
			if one.Config != nil && one.Config.Placement != nil {
				held.Tags = one.Config.Placement.Tags
			}
			out = append(out, held)
		}
	}
	slices.SortFunc(out, func(a, b Held) int { return strings.Compare(a.Stream, b.Stream) })
	return out, nil
}

package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// dropSeeds takes seeds that are none any more, and others that held chains, out of the cluster: they would count for the
// majority for ever. Only the leader of the cluster does it, and only once all seeds of today
// belong to it.
func (k *keeper) dropSeeds(ctx context.Context) error {
	if !k.clustered() || !k.srv.JetStreamIsLeader() {
		return nil
	}
	info, err := k.srv.Jsz(nil)
	if err != nil || info.Meta == nil {
		return err
	}
	var surplus []*server.PeerInfo
	present := 1
	for _, peer := range info.Meta.Replicas {
		if m, known := k.members.Load().byID[seedOf(peer.Name)]; known && m.routed() {
			if m.seed {
				present++
			}
		} else if peer.Offline {
			surplus = append(surplus, peer)
		}
	}
	if present < len(k.cfg.Seeds) || len(surplus) == 0 {
		return nil
	}
	for _, peer := range surplus {
		if err := k.dropSeed(ctx, peer.Peer); err != nil {
			return err
		}
		k.log.Info("a seed that is none any more does not count in the cluster of seeds now", "was", peer.Name)
	}
	return nil
}

func (k *keeper) dropSeed(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, keepWithin)
	defer cancel()
	nc, err := client(k.srv, k.log, nats.UserInfo(systemUser, k.gate.password))
	if err != nil {
		return err
	}
	defer nc.Close()
	body, err := json.Marshal(server.JSApiMetaServerRemoveRequest{Peer: id})
	if err != nil {
		return err
	}
	m, err := nc.RequestWithContext(ctx, server.JSApiRemoveServer, body)
	if err != nil {
		return fmt.Errorf("take a seed out of the cluster: %w", err)
	}
	var answer server.JSApiMetaServerRemoveResponse
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return fmt.Errorf("take a seed out of the cluster: %w", err)
	}
	if answer.Error != nil {
		return fmt.Errorf("take a seed out of the cluster: %w", answer.Error)
	}
	return nil
}

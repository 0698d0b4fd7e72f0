package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/durationpb"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// maxMigrations is the length of the longest list that is believed.
const maxMigrations = 10_000

// decodeList parses the body of GET /v1/migrations. It is strict: one impossible migration
// makes the whole list an error. If it were left out, an operator would look for it in
// vain.
func decodeList(body []byte) ([]*meshosv1.MigrationView, error) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(body, &keys); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	_, snake := keys["in_flight"]
	_, camel := keys["inFlight"]
	if !snake && !camel {
		return nil, errors.New(`it has no "in_flight": check that url points at an orchestrator`)
	}
	var list meshosv1.Migrations
	if err := protojson.Unmarshal(body, &list); err != nil {
		return nil, errors.New(protoText(err))
	}
	if n := len(list.GetInFlight()); n > maxMigrations {
		return nil, fmt.Errorf("%d migrations, more than %d", n, maxMigrations)
	}
	seen := make(map[uint64]bool, len(list.GetInFlight()))
	for i, m := range list.GetInFlight() {
		if err := checkMigration(m); err != nil {
			return nil, fmt.Errorf("in_flight[%d]: %w", i, err)
		}
		if seen[m.GetMigration()] {
			return nil, fmt.Errorf("in_flight[%d]: migration %d is listed twice", i, m.GetMigration())
		}
		seen[m.GetMigration()] = true
	}
	return list.GetInFlight(), nil
}

func checkMigration(m *meshosv1.MigrationView) error {
	switch {
	case m.GetMigration() == 0:
		return errors.New("migration is missing or 0")
	case meshosv1.MigrationView_Phase_name[int32(m.GetPhase())] == "" || m.GetPhase() == meshosv1.MigrationView_PHASE_UNSPECIFIED:
		return errors.New("phase is missing or unknown")
	case m.GetSource() == 0:
		return errors.New("source is missing or 0")
	case m.GetTarget() == 0:
		return errors.New("target is missing or 0")
	case m.GetProgressPercent() > 100:
		return fmt.Errorf("progress_percent is %d, more than 100", m.GetProgressPercent())
	}
	if err := checkDuration(m.GetElapsed()); err != nil {
		return fmt.Errorf("elapsed %w", err)
	}
	if err := checkDuration(m.GetInPhase()); err != nil {
		return fmt.Errorf("in_phase %w", err)
	}
	return nil
}

// checkDuration returns an error unless d is from 0 to ten years.
func checkDuration(d *durationpb.Duration) error {
	const tenYears = 10 * 366 * 24 * 3600
	switch {
	case d == nil:
		return errors.New("is missing")
	case d.CheckValid() != nil, d.GetSeconds() > tenYears:
		return errors.New("is impossible")
	case d.GetSeconds() < 0, d.GetNanos() < 0:
		return errors.New("is negative")
	}
	return nil
}

// protoText returns the text of a protojson error without its prefix, which ends in a
// space that differs from build to build.
func protoText(err error) string {
	return clean(strings.TrimLeft(strings.TrimPrefix(err.Error(), "proto:"), " \u00a0"))
}

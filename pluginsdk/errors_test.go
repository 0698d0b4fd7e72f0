package pluginsdk_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
)

func TestErrorsKeepTheirMeaning(t *testing.T) {
	var next error
	plugin := plugintest.Start(t, always(&probe{
		sample: func(context.Context, []pluginsdk.Peer) ([]pluginsdk.RTTSample, error) { return nil, next },
	}), none{})
	cause := fs.ErrNotExist
	for _, c := range []struct {
		err  error
		code codes.Code
		text string
	}{
		{pluginsdk.Invalid(cause), codes.InvalidArgument, "file does not exist"},
		{pluginsdk.NotFound(cause), codes.NotFound, "file does not exist"},
		{pluginsdk.FailedPrecondition(cause), codes.FailedPrecondition, "file does not exist"},
		{pluginsdk.Unavailable(cause), codes.Unavailable, "file does not exist"},
		{fmt.Errorf("open: %w", pluginsdk.NotFound(cause)), codes.NotFound, "open: file does not exist"},
		{pluginsdk.NotFound(nil), codes.NotFound, "no reason given"},
		{cause, codes.Unknown, "file does not exist"},
		{fmt.Errorf("ask: %w", context.DeadlineExceeded), codes.DeadlineExceeded, "ask: context deadline exceeded"},
		{status.Error(codes.PermissionDenied, "as it is"), codes.PermissionDenied, "as it is"},
	} {
		next = c.err
		_, err := plugin.SampleRTT()
		wantError(t, err, c.code, c.text)
	}
	if !errors.Is(pluginsdk.Unavailable(cause), fs.ErrNotExist) {
		t.Error("the cause is lost")
	}
}

func TestUnavailableAfterCarriesTheTime(t *testing.T) {
	plugin := plugintest.Start(t, always(&probe{
		sample: func(context.Context, []pluginsdk.Peer) ([]pluginsdk.RTTSample, error) {
			return nil, fmt.Errorf("queue: %w", pluginsdk.UnavailableAfter(errors.New("full"), 1500*time.Millisecond))
		},
	}), none{})
	_, err := plugin.SampleRTT()
	wantError(t, err, codes.Unavailable, "queue: full")
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok && info.GetRetryDelay().AsDuration() == 1500*time.Millisecond {
			return
		}
	}
	t.Fatalf("no time in %v", status.Convert(err).Details())
}

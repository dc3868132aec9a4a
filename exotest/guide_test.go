package exotest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/store"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/exo/transport/transporttest"
	"github.com/exospherehost/exo-go/exotest"
	"go.uber.org/zap"
)

// This file holds the samples of docs/testing.md.

// sample:nodes

// Album is a folder of photos on a server.
type Album struct {
	Name  string       `json:"name"`
	Limit exo.Val[int] `json:"limit" jsonschema:"default=100"`
}

type Photo struct {
	File string `json:"file"`
}

type Login struct {
	Token exo.Secret `json:"token"`
}

type Page struct {
	Album  string            `json:"album"`
	Photos exo.Val[[]string] `json:"photos"`
}

type Link struct {
	URL string `json:"url"`
}

var (
	Open    = exo.Node("Open", openAlbum)
	List    = exo.FanOut("List", listPhotos) // asks the server
	Shrink  = exo.Node("Shrink", shrink, exo.WithTimeout(time.Minute))
	Publish = exo.Node("Publish", publish)
	Views   = store.NewKey[int]("views")
)

func shrink(_ context.Context, in Photo, _ exo.None) (Photo, error) {
	name, isPhoto := strings.CutSuffix(in.File, ".jpg")
	if !isPhoto {
		return Photo{}, exo.Prune(map[string]any{"skipped": in.File})
	}
	return Photo{File: name + "-small.jpg"}, nil
}

// end sample

func openAlbum(_ context.Context, in Album, _ exo.None) (Album, error) { return in, nil }

var errAway = errors.New("the server is away")

func listPhotos(context.Context, Album, Login) ([]Photo, error) { return nil, errAway }

func publish(ctx context.Context, in Page, _ exo.None) (Link, error) {
	n, err := Views.Update(ctx, func(n int, _ bool) (int, error) { return n + 1, nil })
	if err != nil {
		return Link{}, err
	}
	exo.Logger(ctx).Info("published", zap.Int("view", n))
	return Link{URL: path.Join("/", in.Album, fmt.Sprintf("%d.html", len(in.Photos.V)))}, nil
}

// sample:graph
func albumGraph() (*exo.Graph, *exo.Step[Link]) {
	g := exo.NewGraph("album").Secrets(exo.Fields(Login{Token: "t0ken"}))
	open := exo.Add(g, "open", Open, Album{Name: "summer"})
	list := exo.Add(g, "list", List, open.Out, exo.After(open))
	small := exo.Add(g, "shrink", Shrink, list.Out, exo.After(list))
	page := exo.Add(g, "publish", Publish,
		Page{Album: open.Out.Name, Photos: exo.CollectStrings(small.Out.File)},
		exo.After(small), exo.Unites(open, exo.AllSuccess))
	return g, page
}

// end sample

// sample:node test
func TestShrink(t *testing.T) {
	small := exotest.Run(t, Shrink, Photo{File: "sea.jpg"}, exo.None{}).One(t)
	if small.File != "sea-small.jpg" {
		t.Errorf("the small one is called %q", small.File)
	}
}

// end sample

// sample:signal test
func TestShrinkSkipsWhatIsNoPhoto(t *testing.T) {
	result := exotest.Run(t, Shrink, Photo{File: "notes.txt"}, exo.None{})
	if !result.Pruned || result.PruneData["skipped"] != "notes.txt" {
		t.Errorf("the node %s", result) // "the node failed: …", "… gave 1 outputs"
	}
}

// end sample

// sample:error test
func TestListWithoutAServer(t *testing.T) {
	result := exotest.Run(t, List, Album{Name: "summer"}, Login{Token: "t0ken"})
	if !errors.Is(result.Err, errAway) || node.IsPermanent(result.Err) {
		t.Errorf("the node %s", result)
	}
}

// end sample

// sample:fields test
func TestOpenWireValues(t *testing.T) {
	album := exotest.RunFields(t, Open, map[string]string{"name": "summer", "else": "x"}, nil).One(t)
	if album.Limit.V != 100 { // the default of a field that is missing
		t.Errorf("the limit is %v", album.Limit)
	}
	if r := exotest.RunFields(t, Open, map[string]string{"name": "summer", "limit": "many"}, nil); r.Err == nil {
		t.Errorf("with a limit that is not a number the node %s", r)
	}
}

// end sample

// sample:surroundings test
func TestPublishCountsViews(t *testing.T) {
	page := Page{Album: "summer", Photos: exo.Of([]string{"a.jpg", "b.jpg"})}
	result := exotest.Run(t, Publish, page, exo.None{},
		exotest.WithStore(map[string]string{"views": "41"}),
		exotest.WithInfo(node.Info{RunID: "r1", Attempt: 2}))
	if link := result.One(t); link.URL != "/summer/2.html" || result.Store["views"] != "42" {
		t.Errorf("%s after %s views", link.URL, result.Store["views"])
	}
}

// end sample

// sample:graph test
func TestAlbum(t *testing.T) {
	g, page := albumGraph()
	sm := exotest.NewStateManager(t)
	exotest.StubFanOut(sm, List, func(context.Context, Album, Login) ([]Photo, error) {
		return []Photo{{"sea.jpg"}, {"notes.txt"}, {"sky.jpg"}}, nil
	})
	result := sm.Drive(t, g, exo.TriggerOptions{})
	exotest.WantOutputs(t, result, page, Link{URL: "/summer/2.html"})
	exotest.WantPruned(t, result, "shrink", map[string]any{"skipped": "notes.txt"})
}

// end sample

// photos stubs the node that asks the server.
func photos(sm *exotest.StateManager, files ...string) *exotest.Calls[Album, Photo] {
	return exotest.StubFanOut(sm, List, func(context.Context, Album, Login) ([]Photo, error) {
		all := make([]Photo, len(files))
		for i, file := range files {
			all[i].File = file
		}
		return all, nil
	})
}

// sample:stub test
func TestAlbumIsAskedForByName(t *testing.T) {
	g, _ := albumGraph()
	sm := exotest.NewStateManager(t)
	asked := photos(sm, "sea.jpg") // a stub as above, which records its calls
	shrunk := exotest.Record(sm, Shrink)
	exotest.WantSuccess(t, sm.Drive(t, g, exo.TriggerOptions{Inputs: map[string]string{"name": "winter"}}))
	if in := asked.All()[0].In; in.Name != "winter" || in.Limit.V != 100 {
		t.Errorf("asked for %+v", in)
	}
	if shrunk.Len() != 1 || shrunk.All()[0].Info.Identifier != "shrink" {
		t.Errorf("calls: %+v", shrunk.All())
	}
}

// end sample

// sample:remote test
func TestTranslatedTitle(t *testing.T) {
	translate := exo.Remote[Photo, Photo]("language", "Translate") // runs in another namespace, in Python
	g := exo.NewGraph("title")
	title := exo.Add(g, "title", translate, Photo{File: "mer"})

	sm := exotest.NewStateManager(t)
	exotest.RemoteStub(sm, translate, func(_ context.Context, in Photo) (Photo, error) {
		return Photo{File: map[string]string{"mer": "sea"}[in.File]}, nil
	})
	exotest.WantOutputs(t, sm.Drive(t, g, exo.TriggerOptions{}), title, Photo{File: "sea"})
}

// end sample

// sample:retry test
func TestAlbumSurvivesAnOutage(t *testing.T) {
	g, page := albumGraph()
	g.Retry(exo.RetryPolicy{MaxRetries: 3, Backoff: 15 * time.Minute})
	sm := exotest.NewStateManager(t)
	photos(sm, "sea.jpg", "sky.jpg")
	for attempt := range 3 {
		sm.FailOn("list", attempt, errAway)
	}
	result := sm.Drive(t, g, exo.TriggerOptions{})
	exotest.WantOutputs(t, result, page, Link{URL: "/summer/2.html"})
	exotest.WantAttempts(t, result, "list", 4, 1) // the second branch begins with the fourth attempt
	exotest.WantDelays(t, result, "list", 15*time.Minute, 30*time.Minute, time.Hour)
	if result.Elapsed != 105*time.Minute { // all of it virtual
		t.Errorf("it took %v", result.Elapsed)
	}
}

// end sample

// sample:failure test
func TestAlbumGivesUp(t *testing.T) {
	g, _ := albumGraph()
	result := exotest.NewStateManager(t).Drive(t, g, exo.TriggerOptions{})
	exotest.WantFailure(t, result, "list", "the server is away")
	exotest.WantPath(t, result, "open", "list") // nothing was published
}

// end sample

// sample:cron test
func TestAlbumIsPublishedMonthly(t *testing.T) {
	g, page := albumGraph()
	g.Cron("0 6 1 * *")
	sm := exotest.NewStateManager(t)
	photos(sm, "sea.jpg")
	sm.Upsert(t, g)
	sm.DriveFor(t, 366*24*time.Hour) // the time of a state manager begins in 2000, a leap year
	runs := sm.Results(t, g)
	if len(runs) != 12 {
		t.Fatalf("%d runs", len(runs))
	}
	exotest.WantOutputs(t, runs[11], page, Link{URL: "/summer/1.html"})
}

// end sample

// sample:between test
func TestAlbumStepByStep(t *testing.T) {
	g, page := albumGraph()
	sm := exotest.NewStateManager(t)
	listed := photos(sm, "sea.jpg")
	summer := sm.Trigger(t, g, exo.TriggerOptions{})
	winter := sm.Trigger(t, g, exo.TriggerOptions{Inputs: map[string]string{"name": "winter"}})

	if first, _ := sm.Step(t); first.Step != "open" || first.RunID != summer.ID {
		t.Errorf("first came %+v", first)
	}
	sm.DriveUntil(t, func() bool { return listed.Len() == 2 })
	if status := sm.Result(t, winter).Status; status != exo.RunPending {
		t.Errorf("winter is %s", status)
	}
	exotest.WantOutputs(t, sm.Wait(t, winter), page, Link{URL: "/winter/1.html"})
	sm.WantStore(t, sm.Wait(t, summer), map[string]string{"views": "1"})
}

// end sample

// sample:golden test
func TestAlbumTranscript(t *testing.T) {
	g, _ := albumGraph()
	sm := exotest.NewStateManager(t)
	photos(sm, "sea.jpg", "notes.txt")
	sm.FailOn("publish", 0, errAway)
	exotest.Golden(t, sm.Drive(t, g, exo.TriggerOptions{}), "testdata/album.golden")
}

// end sample

// sample:parallel test
func TestBranchesTakeTheirTimeTogether(t *testing.T) {
	g, _ := albumGraph()
	sm := exotest.NewStateManager(t)
	photos(sm, "sea.jpg", "sky.jpg", "sun.jpg")
	sm.Delay("shrink", 30*time.Second)
	if result := sm.Drive(t, g, exo.TriggerOptions{}); result.Elapsed != 30*time.Second {
		t.Errorf("it took %v", result.Elapsed)
	}
}

// end sample

// sample:bubble test
func TestShrinkTimesOut(t *testing.T) {
	exotest.Bubble(t, func(t *testing.T, sm *exotest.StateManager) {
		g, _ := albumGraph()
		g.Retry(exo.NoRetry())
		photos(sm, "sea.jpg")
		exotest.Stub(sm, Shrink, func(ctx context.Context, in Photo, _ exo.None) (Photo, error) {
			select {
			case <-time.After(time.Hour):
				return in, nil
			case <-ctx.Done():
				return Photo{}, ctx.Err()
			}
		})
		sm.Serve(t, g.Nodes(), exo.WithWorkers(4)) // a real runtime
		result := sm.Drive(t, g, exo.TriggerOptions{})
		exotest.WantFailure(t, result, "shrink", "timed out after 1m0s")
	})
}

// end sample

// sample:faults test
func TestAlbumOverABadNetwork(t *testing.T) {
	exotest.Bubble(t, func(t *testing.T, sm *exotest.StateManager) {
		g, page := albumGraph()
		photos(sm, "sea.jpg", "sky.jpg")
		sm.Serve(t, g.Nodes())
		exotest.WantOutputs(t, sm.Drive(t, g, exo.TriggerOptions{}), page, Link{URL: "/summer/2.html"})
	}, exotest.WithFaults(
		exotest.DropAfter("report", 1),            // the first report is accepted, but its response is lost
		exotest.Late("claim", 5*time.Second, 2),   // the second claim is slow
		exotest.RandomFaults(7, 0.2, "heartbeat"), // one heartbeat of five fails somehow
	))
}

// end sample

// sample:client
func publishNow(ctx context.Context, m *exo.StateManager, album string) (string, error) {
	run, err := m.Trigger(ctx, "album", exo.TriggerOptions{Inputs: map[string]string{"name": album}})
	if err != nil {
		return "", err
	}
	result, err := run.Wait(ctx)
	if err != nil {
		return "", err
	}
	return run.ID, result.Err()
}

// end sample

// sample:client test
func TestPublishNow(t *testing.T) {
	g, _ := albumGraph()
	sm := exotest.NewStateManager(t)
	photos(sm, "sea.jpg")
	sm.Upsert(t, g)
	if _, err := publishNow(t.Context(), sm.Client(t), "summer"); err != nil {
		t.Error(err)
	}
	sm.FailNext("trigger", 1, &transport.Error{Op: "trigger", Status: http.StatusBadGateway, Message: "bad gateway"})
	if _, err := publishNow(t.Context(), sm.Client(t), "summer"); err == nil {
		t.Error("a bad gateway gave no error")
	}
}

// end sample

// sample:runtime test
func TestWithAProgramAsItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sm := exotest.NewStateManager(t) // in a bubble it follows the bubble's time
		photos(sm, "sea.jpg")
		ctx, stop := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() {
			served <- exo.Serve(ctx, "test", "worker", exo.Nodes(Open, List, Shrink, Publish),
				exo.WithStateManager(sm), exo.WithLogger(zap.NewNop()),
				exo.WithMiddleware(sm.Middleware())) // for stubs, FailOn and Delay
		}()
		synctest.Wait() // it has registered
		g, _ := albumGraph()
		exotest.WantSuccess(t, sm.Drive(t, g, exo.TriggerOptions{}))
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

// end sample

// sample:reference test
func TestAlbumOnThePlatform(t *testing.T) {
	g, _ := albumGraph()
	sm := exotest.NewStateManager(t).With(exotest.AsReference(), exotest.WithoutExtensions())
	photos(sm, "sea.jpg")
	_, err := sm.TryDrive(t.Context(), g, exo.TriggerOptions{})
	if err == nil || !strings.Contains(err.Error(), "collect") {
		t.Errorf("a graph with Collect is not refused: %v", err)
	}
}

// end sample

// sample:stuck test
func lostThere() *exo.Graph {
	g := exo.NewGraph("lost")
	open := exo.Add(g, "open", Open, Album{Name: "summer"})
	small := exo.Add(g, "shrink", Shrink, Photo{File: "notes.txt"}, exo.After(open)) // is pruned
	exo.Add(g, "close", Open, open.Out, exo.After(small), exo.Unites(open, exo.AllSuccess))
	return g
}

func TestAJoinThatIsLostThere(t *testing.T) {
	ours := exotest.NewStateManager(t).Drive(t, lostThere(), exo.TriggerOptions{})
	exotest.WantPath(t, ours, "open", "shrink", "close")

	sm := exotest.NewStateManager(t).With(exotest.AsReference())
	_, err := sm.TryDrive(t.Context(), lostThere(), exo.TriggerOptions{})
	if !errors.Is(err, exo.ErrRunStuck) {
		t.Errorf("the run is not stuck: %v", err)
	}
}

// end sample

// sample:conformance test
func TestConformanceInOwnTime(t *testing.T) {
	transporttest.Run(t, func(t *testing.T, o transporttest.Options) transport.Provider {
		return exotest.NewStateManager(t).With(exotest.WithDefaultLease(o.DefaultLease))
	})
}

// end sample

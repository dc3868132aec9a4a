package main

import (
	"fmt"
	"sync"
	"time"
)

// A farm stands for a service elsewhere that renders pictures, and takes its
// time.
type farm struct {
	takes time.Duration

	mu    sync.Mutex
	jobs  []job
	asked int
}

type job struct {
	scene string
	done  time.Time
}

func (f *farm) submit(scene string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.jobs = append(f.jobs, job{scene, time.Now().Add(f.takes)})
	return fmt.Sprint("job-", len(f.jobs))
}

func (f *farm) done(id string) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	j, err := f.find(id)
	return err == nil && !time.Now().Before(j.done), err
}

func (f *farm) fetch(id string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	j, err := f.find(id)
	return "picture of " + j.scene, err
}

func (f *farm) find(id string) (job, error) {
	var n int
	if _, err := fmt.Sscanf(id, "job-%d", &n); err != nil || n < 1 || n > len(f.jobs) {
		return job{}, fmt.Errorf("the farm has no %q", id)
	}
	return f.jobs[n-1], nil
}

// looks is how often someone asked whether a job was done.
func (f *farm) looks() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// What the measured processes took in the measured time.
type watched struct {
	seconds           float64
	cpuNs, ownCpuNs   int64
	events            int64
	open              int64
	peakKB, sumKB, ns int64
	pssKB             int64
	processes         int
}

// watch measures for the measured time, and says to the workers when that is.
func watch(r *run, workers []*worker) watched {
	ps := withChildren(roots())
	self := []int{os.Getpid()}
	w := watched{processes: len(ps)}
	cpu, own, events := cpuNs(ps), cpuNs(self), eventsOf(workers)
	r.measuring.Store(true)
	began := time.Now()
	for time.Since(began) < *dur {
		time.Sleep(min(250*time.Millisecond, max(time.Millisecond, *dur-time.Since(began))))
		if len(ps) > 0 {
			kb := sumKB(ps, "status", "VmRSS:")
			w.sumKB += kb
			w.ns++
			w.peakKB = max(w.peakKB, kb)
		}
	}
	r.measuring.Store(false)
	w.seconds = time.Since(began).Seconds()
	w.cpuNs, w.ownCpuNs, w.events = cpuNs(ps)-cpu, cpuNs(self)-own, eventsOf(workers)-events
	w.open = openStreams.Load()
	w.pssKB = sumKB(ps, "smaps_rollup", "Pss:")
	return w
}

func eventsOf(workers []*worker) (total int64) {
	for _, w := range workers {
		total += w.events.Load()
	}
	return
}

func withChildren(roots []int) (found []int) {
	if len(roots) == 0 {
		return nil
	}
	children := map[int][]int{}
	folders, _ := filepath.Glob("/proc/[0-9]*")
	for _, folder := range folders {
		b, err := os.ReadFile(folder + "/stat")
		if err != nil {
			continue
		}
		fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
		pid, _ := strconv.Atoi(filepath.Base(folder))
		parent, _ := strconv.Atoi(fields[1])
		children[parent] = append(children[parent], pid)
	}
	seen := map[int]bool{}
	for todo := roots; len(todo) > 0; todo = todo[1:] {
		if pid := todo[0]; !seen[pid] {
			seen[pid] = true
			found = append(found, pid)
			todo = append(todo, children[pid]...)
		}
	}
	return
}

// cpuNs sums the time on a CPU of all threads. The process's own count has steps of 10 ms, too coarse for a second.
func cpuNs(ps []int) (total int64) {
	for _, p := range ps {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p))
		for _, thread := range threads {
			b, err := os.ReadFile(thread)
			if err != nil {
				continue
			}
			ns, _, _ := strings.Cut(string(b), " ")
			n, _ := strconv.ParseInt(ns, 10, 64)
			total += n
		}
	}
	return
}

func sumKB(ps []int, file, key string) (total int64) {
	for _, p := range ps {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p, file))
		if err != nil {
			continue
		}
		for _, line := range strings.Split(string(b), "\n") {
			if fields := strings.Fields(line); len(fields) > 1 && fields[0] == key {
				n, _ := strconv.ParseInt(fields[1], 10, 64)
				total += n
			}
		}
	}
	return
}

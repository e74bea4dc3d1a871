// The parts of `augstore bench`, each in the source of its name. Each measures and adds its tables
// and targets to the report. Errors: kNotFound (something that the part needs is not on this
// machine, with the remedy), kUnavailable "interrupted", those of what it measures.
#ifndef AUGSTORE_TOOLS_BENCH_BENCH_PARTS_H_
#define AUGSTORE_TOOLS_BENCH_BENCH_PARTS_H_

#include "schemas/base/status.h"
#include "tools/bench/bench_report.h"

namespace augstore {

Status BenchEngine(const BenchFlags& flags, BenchReport* report);  // bench_engine.cc
Status BenchStore(const BenchFlags& flags, BenchReport* report);   // bench_store.cc
Status BenchServe(const BenchFlags& flags, BenchReport* report);   // bench_serve.cc
Status BenchHeads(const BenchFlags& flags, BenchReport* report);   // bench_heads.cc
Status BenchIngest(const BenchFlags& flags, BenchReport* report);  // bench_ingest.cc
Status BenchCommit(const BenchFlags& flags, BenchReport* report);  // bench_commit.cc
Status BenchScale(const BenchFlags& flags, BenchReport* report);   // bench_scale.cc
Status BenchPaper(const BenchFlags& flags, BenchReport* report);   // bench_paper.cc
Status BenchPython(const BenchFlags& flags, BenchReport* report);  // bench_python.cc

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_BENCH_BENCH_PARTS_H_

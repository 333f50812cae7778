#pragma once
// Internal to data/.
// Files in a folder of data that are no data.
#include <cstdint>
#include <map>
#include <string>

namespace ditharos::data {

/// True for names that are never part of a data set: hidden ones, which begin with a dot (".git", "._a.png"), and the
/// files and folders that systems leave: __MACOSX, Thumbs.db, desktop.ini, $RECYCLE.BIN, System Volume Information,
/// lost+found, @eaDir, #recycle.
bool is_hidden(const std::string& name);

/// Files that a reader skips, counted by the endings of their names.
class UnreadFiles {
 public:
  void add_file(const std::string& name);
  void add_folder() { ++folders_; }
  void add(const UnreadFiles& others);
  bool empty() const { return counts_.empty() && folders_ == 0; }
  /// "40 .jpg files, 1 .txt file and 2 folders".
  std::string text() const;
  /// True for a single file or folder, for the verb "is" in a message.
  bool is_one() const;

 private:
  std::map<std::string, int64_t> counts_;
  int64_t folders_ = 0;
};

}  // namespace ditharos::data

// A chip from the text of a chip file that lies in another file.
#pragma once

#include "arch/chip_config.h"

namespace leto {

/// `text` as to_toml writes it; `where` names it in errors.
ChipConfig chip_of_text(const std::string& text, const std::string& where);

}  // namespace leto

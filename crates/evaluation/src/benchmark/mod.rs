//! A whole table: methods x metrics x cost, against retrained models, with what chance and a second oracle reach.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `plan` | what is compared, as plain data |
//! | `row` | one method's scores of all queries, with what they cost |
//! | `table` | rows measured against the oracle |
//! | `markdown`, `csv` | the table as text |

mod csv;
mod markdown;
mod plan;
mod row;
mod table;

pub use csv::table_csv;
pub use markdown::markdown;
pub use plan::{Grid, MethodPlan, NEAREST_IMAGES, OraclePlan, Plan, QueryPlan, SumPlan, USUAL_ORDER, other_noise};
pub use row::{Cost, Kind, Row, average, sum_of_z};
pub use table::{Line, Table};

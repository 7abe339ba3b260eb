//! Types of statement parameters, declared or deduced.

use std::cell::RefCell;

use helios_base::{DataType, Error, Result, SqlState};

use crate::expr::Expr;

/// The types of `$1`, `$2`, …, filled in while the statement is bound.
#[derive(Debug, Default)]
pub struct ParamTypes {
    types: RefCell<Vec<DataType>>,
}

impl ParamTypes {
    /// Starts from the declared types; `Unknown` ones are deduced.
    #[must_use]
    pub fn new(declared: Vec<DataType>) -> Self {
        Self {
            types: RefCell::new(declared),
        }
    }

    /// The expression for parameter `$number`, counted from 1.
    ///
    /// # Errors
    /// `42P02` for `$0` and absurd numbers.
    pub fn param(&self, number: usize) -> Result<Expr> {
        const PARAMS_MAX: usize = 65_535;
        if number == 0 || number > PARAMS_MAX {
            return Err(Error::new(
                SqlState::UNDEFINED_PARAMETER,
                format!("there is no parameter ${number}"),
            ));
        }
        let mut types = self.types.borrow_mut();
        if types.len() < number {
            types.resize(number, DataType::Unknown);
        }
        let ty = types.get(number - 1).cloned().unwrap_or(DataType::Unknown);
        Ok(Expr::Param {
            index: number - 1,
            ty,
        })
    }

    /// Decides that parameter `index` (from 0) has type `ty`; returns the type it really has, which
    /// differs if it was decided before.
    pub(crate) fn deduce(&self, index: usize, ty: &DataType) -> DataType {
        let mut types = self.types.borrow_mut();
        if types.len() <= index {
            types.resize(index + 1, DataType::Unknown);
        }
        match types.get_mut(index) {
            Some(slot) if matches!(slot, DataType::Unknown) => {
                *slot = ty.bare();
                slot.clone()
            }
            Some(slot) => slot.clone(),
            None => ty.bare(),
        }
    }

    /// All types, in order; what nothing decided is `text`, as PostgreSQL describes it to clients.
    #[must_use]
    pub fn types(&self) -> Vec<DataType> {
        let types = self.types.borrow();
        types
            .iter()
            .map(|ty| match ty {
                DataType::Unknown => DataType::Text,
                ty => ty.clone(),
            })
            .collect()
    }

    /// The first parameter, from 1, of which nothing says what type it has.
    #[must_use]
    pub fn undetermined(&self) -> Option<usize> {
        let types = self.types.borrow();
        let unknown = types.iter().position(|ty| matches!(ty, DataType::Unknown));
        unknown.map(|index| index + 1)
    }

    /// How many parameters the statement uses.
    #[must_use]
    pub fn len(&self) -> usize {
        self.types.borrow().len()
    }

    /// Whether the statement has no parameters.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.types.borrow().is_empty()
    }
}
